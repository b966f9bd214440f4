// Where a stream is empty because the host takes the time stamps: the emptiness has a name.

import { fitText } from "./canvas.js";

/** The wait of a stream's track at a time, as [stream, start, end]; undefined where there is none. */
export const waitAt = (data, track, time) =>
  data.waits.find(([stream, start, end]) => track?.key === `stream ${stream}` && time >= start && time <= end);

/** Frame the waits in view with dashes, and name them where there is room. */
export function drawWaits(ctx, data, track, frame, colours) {
  const x = (time) => ((time - frame.from) / (frame.to - frame.from)) * frame.width;
  ctx.lineWidth = 1;
  ctx.setLineDash([3, 3]);
  for (const [stream, start, end] of data.waits) {
    const [left, right] = [Math.max(-2, x(start)), Math.min(frame.width + 2, x(end))];
    if (track.key !== `stream ${stream}` || right - left < 4) continue;
    ctx.strokeStyle = colours.fg2;
    ctx.strokeRect(left + 0.5, frame.y + 2.5, right - left - 1, frame.height - 5);
    const text = fitText(ctx, data.waitName, right - left - 10);
    ctx.fillStyle = colours.fg2;
    if (text) ctx.fillText(text, Math.max(left, 0) + 5, frame.y + frame.height / 2 + 0.5);
  }
  ctx.setLineDash([]);
}
