// Sensor readings and query latencies on the time axis of the timeline.

import { shortLabel } from "./format.js";

const HEIGHT = 40;

/** One track a metric; query latencies come first because the others explain them. */
export function traceTracks(data) {
  const tracks = data.traces.map((trace) => ({
    kind: "trace", key: trace.metric, label: shortLabel(trace.label), unit: trace.unit, hint: `${trace.label} (${trace.metric})`,
    height: HEIGHT, times: trace.times, values: trace.values, limit: trace.limit, dots: false,
  }));
  if (data.queries.start.length) {
    tracks.unshift({
      kind: "trace", key: "latency", label: "Query latency", unit: "ms", hint: `Latency of each query of the ${data.runs.benchmark}, at its start`,
      height: HEIGHT, times: data.queries.start, values: data.queries.ms, limit: null, dots: true,
    });
  }
  for (const track of tracks) track.scale = valueScale(track);
  return tracks.filter((track) => track.times.length);
}

/** Bottom and top of a track, from all its values, so that it does not jump while zooming. */
function valueScale({ values, unit, limit }) {
  if (unit === "%") return [0, Math.max(100, limit ?? 0) * 1.04];
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) {
    if (Number.isNaN(value)) continue;
    low = Math.min(low, value);
    high = Math.max(high, value);
  }
  if (!(low <= high)) return [0, 1];
  if (limit !== null && limit < high * 1.4) high = Math.max(high, limit);
  const pad = (high - low || Math.abs(high) || 1) * 0.12;
  return [low - pad, high + pad];
}

/** Position of the last sample at or before a time; −1 before the first. */
export function sampleAt(times, time) {
  let low = 0;
  let high = times.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (times[middle] <= time) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}

/** Draw the visible part of one track, at most a few strokes for each pixel. */
export function drawTrace(ctx, track, frame, colours) {
  const [low, high] = track.scale;
  const scale = frame.width / (frame.to - frame.from);
  const x = (i) => (track.times[i] - frame.from) * scale;
  const y = (value) => frame.y + frame.height - 4 - ((value - low) / (high - low)) * (frame.height - 8);
  const first = Math.max(0, sampleAt(track.times, frame.from));
  const last = Math.min(track.times.length - 1, sampleAt(track.times, frame.to) + 1);
  if (track.limit !== null && track.limit <= high && track.unit !== "%") drawLimit(ctx, y(track.limit), frame, colours);
  const note = emptyNote(track, frame);
  if (note) {
    const ends = unseen(track, frame)?.map(y);
    if (ends) drawUnseen(ctx, ends, frame, colours);
    return drawNote(ctx, note, ends, frame, colours);
  }
  if (track.dots) return drawDots(ctx, track, first, last, x, y, colours);
  ctx.strokeStyle = colours.accent;
  ctx.lineWidth = 1.25;
  ctx.beginPath();
  if (last - first > frame.width * 2) envelope(ctx, track, first, last, x, y);
  else for (let i = first; i <= last; i += 1) ctx.lineTo(x(i), y(track.values[i]));
  ctx.stroke();
  if ((last - first) * 6 < frame.width) {
    ctx.fillStyle = colours.accent;
    for (let i = first; i <= last; i += 1) ctx.fillRect(x(i) - 1.5, y(track.values[i]) - 1.5, 3, 3);
  }
  return undefined;
}

/** For each pixel the least and the greatest value, which is all that the eye could see. */
function envelope(ctx, track, first, last, x, y) {
  let column = null;
  let low = Infinity;
  let high = -Infinity;
  for (let i = first; i <= last; i += 1) {
    const at = Math.round(x(i));
    if (at !== column) {
      if (column !== null) { ctx.lineTo(column, y(low)); ctx.lineTo(column, y(high)); }
      column = at;
      low = Infinity;
      high = -Infinity;
    }
    low = Math.min(low, track.values[i]);
    high = Math.max(high, track.values[i]);
  }
  ctx.lineTo(column, y(low));
  ctx.lineTo(column, y(high));
}

/** Why a track shows nothing that was measured; empty when it shows something. */
export function emptyNote({ times, values, dots }, { from, to }) {
  const i = sampleAt(times, to);
  if (i >= 0 && times[i] >= from) return "";
  if (!dots) return "no sample in this window";
  const within = i >= 0 && times[i] + values[i] * 1e6 > from;
  return within ? "no query begins in this window" : "no queries in this window";
}

/** What a sensor would show at both ends of a window between two samples; null at either end of the recording. */
export function unseen({ times, values, dots }, { from, to }) {
  const i = sampleAt(times, from);
  if (dots || i < 0 || i + 1 >= times.length || times[i + 1] <= to) return null;
  const at = (time) => values[i] + ((values[i + 1] - values[i]) * (time - times[i])) / (times[i + 1] - times[i]);
  return [at(from), at(to)];
}

/** A line that nobody measured: that between the samples around the window. */
function drawUnseen(ctx, [left, right], { width }, colours) {
  ctx.strokeStyle = colours.accent;
  ctx.lineWidth = 1.25;
  ctx.globalAlpha = 0.75;
  ctx.setLineDash([5, 5]);
  ctx.beginPath();
  ctx.moveTo(0, left);
  ctx.lineTo(width, right);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}

const BESIDE = 9; // pixels from the middle of a row, out of a line's way

function drawNote(ctx, note, line, frame, colours) {
  const middle = frame.y + frame.height / 2;
  ctx.fillStyle = colours.fg2;
  ctx.fillText(note, 8, line ? middle + (line[0] > middle ? -BESIDE : BESIDE) : middle);
}

function drawDots(ctx, track, first, last, x, y, colours) {
  ctx.fillStyle = colours.accent;
  const size = last - first > 400 ? 2 : 3.5;
  for (let i = first; i <= last; i += 1) ctx.fillRect(x(i) - size / 2, y(track.values[i]) - size / 2, size, size);
}

function drawLimit(ctx, y, frame, colours) {
  ctx.strokeStyle = colours.bad;
  ctx.globalAlpha = 0.7;
  ctx.setLineDash([4, 3]);
  ctx.lineWidth = 1;
  ctx.beginPath();
  ctx.moveTo(0, Math.round(y) + 0.5);
  ctx.lineTo(frame.width, Math.round(y) + 0.5);
  ctx.stroke();
  ctx.setLineDash([]);
  ctx.globalAlpha = 1;
}
