// What all tracks share: the map of the whole recording, the ruler, and throttled intervals.

import { fitText } from "./canvas.js";
import { tickLabel, ticks } from "./format.js";

export const MINIMAP = 18;
export const RULER = 22;

/** The whole recording in one strip, with the visible window framed. */
export function drawMinimap(ctx, data, frame, limits, colours) {
  const scale = frame.width / (limits[1] - limits[0]);
  const x = (time) => (time - limits[0]) * scale;
  ctx.fillStyle = colours.bg2;
  ctx.fillRect(0, 0, frame.width, MINIMAP);
  ctx.fillStyle = colours.fg3;
  ctx.globalAlpha = 0.55;
  for (const it of data.iterations) ctx.fillRect(x(it.start), 6, Math.max(1, (it.end - it.start) * scale - 0.5), MINIMAP - 12);
  ctx.fillStyle = colours.warn;
  for (const [from, to] of data.throttling) ctx.fillRect(x(from), MINIMAP - 4, Math.max(2, (to - from) * scale), 4);
  ctx.globalAlpha = 1;
  const left = x(frame.from);
  const width = Math.max(3, x(frame.to) - left);
  ctx.fillStyle = colours.accent;
  ctx.globalAlpha = 0.16;
  ctx.fillRect(left, 0, width, MINIMAP);
  ctx.globalAlpha = 1;
  ctx.strokeStyle = colours.accent;
  ctx.lineWidth = 1;
  ctx.strokeRect(Math.max(left, 0) + 0.5, 0.5, Math.min(width, frame.width) - 1, MINIMAP - 1);
}

/** Labels and grid lines; times count from `origin`. A label at an edge moves in rather than being cut. */
export function drawRuler(ctx, frame, origin, bottom, colours) {
  const span = frame.to - frame.from;
  const { step, values } = ticks(frame.from - origin, frame.to - origin, frame.width / 110);
  ctx.lineWidth = 1;
  let free = 2; // where the next label may begin
  for (const value of values) {
    const x = Math.round(((value + origin - frame.from) / span) * frame.width) + 0.5;
    ctx.strokeStyle = colours.line;
    ctx.beginPath();
    ctx.moveTo(x, MINIMAP + RULER - 4);
    ctx.lineTo(x, bottom);
    ctx.stroke();
    ctx.fillStyle = colours.fg2;
    const text = tickLabel(value, span, step);
    const room = ctx.measureText(text).width;
    const left = Math.min(Math.max(x - room / 2, 2), frame.width - room - 2);
    if (left < free) continue;
    ctx.fillText(text, left, MINIMAP + RULER / 2);
    free = left + room + 8;
  }
}

/** The throttled times in view, in pixels. */
function throttled(data, frame) {
  const scale = frame.width / (frame.to - frame.from);
  return data.throttling.flatMap(([from, to, reason]) => {
    const left = Math.max(0, (from - frame.from) * scale);
    const right = Math.min(frame.width, (to - frame.from) * scale);
    return right < 0 || left > frame.width ? [] : [{ left, width: Math.max(2, right - left), reason }];
  });
}

/** Shade the times when the device held its clocks back; what is drawn later stays readable. */
export function drawThrottling(ctx, data, frame, bottom, colours) {
  const top = MINIMAP + RULER;
  for (const { left, width } of throttled(data, frame)) {
    ctx.fillStyle = colours.warn;
    ctx.globalAlpha = 0.13;
    ctx.fillRect(left, top, width, bottom - top);
    ctx.globalAlpha = 1;
    ctx.fillRect(left, top - 2, width, 2);
  }
}

/** Say why the clocks were held back, over everything else. */
export function nameThrottling(ctx, data, frame, bottom, colours) {
  for (const { left, width, reason } of throttled(data, frame)) {
    if (width > 60) nameTag(ctx, reason, left, bottom, width, colours);
  }
}

function nameTag(ctx, reason, left, bottom, width, colours) {
  const text = fitText(ctx, `Throttled: ${reason}`, width - 12);
  if (!text) return;
  const room = ctx.measureText(text).width + 12;
  ctx.fillStyle = colours.bg;
  ctx.globalAlpha = 0.9;
  ctx.fillRect(left, bottom - 16, room, 16);
  ctx.globalAlpha = 1;
  ctx.fillStyle = colours.warn;
  ctx.fillText(text, left + 6, bottom - 8);
}
