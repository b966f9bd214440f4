// Bars on a time axis: one track a stream, drawn so that ten or a million bars cost alike.

import { fitText } from "./canvas.js";
import { bareName, barName, isSentence } from "./names.js";
import { sliceName } from "./payload.js";
import { layerColour } from "./theme.js";

const HEIGHTS = { inference: 20, enqueue: 16, stream: 28 };
const LEAST_ROOM = 7; // pixels for a label: a digit's
const HINTS = {
  inference: "Whole inferences, from the first copy to the last",
  enqueue: "The host asking for the work",
  waits: "The host asks for the work, waits until the layers have run and reads their time stamps: not how long launching takes, which the benchmark tells",
  stream: "Work in the order in which this stream runs it, and the part of the visible time it is busy",
};

/** The report's slices by track: whole inferences, enqueueing, then one track a stream. */
export function sliceTracks(data) {
  const { start, duration, stream, category } = data.slices;
  const groups = new Map();
  for (let i = 0; i < start.length; i += 1) {
    const kind = data.categories[category[i]];
    const key = kind === "inference" || kind === "enqueue" ? kind : `stream ${stream[i]}`;
    if (!groups.has(key)) groups.set(key, []);
    groups.get(key).push(i);
  }
  const weight = (key) => ["inference", "enqueue"].indexOf(key) + 1 || 3;
  const keys = [...groups.keys()].sort((a, b) => weight(a) - weight(b) || a.localeCompare(b, "en", { numeric: true }));
  return keys.map((key) => {
    const order = Uint32Array.from(groups.get(key)).sort((a, b) => start[a] - start[b]);
    const kind = key.startsWith("stream") ? "stream" : key;
    const longest = order.reduce((most, i) => Math.max(most, duration[i]), 0);
    const waits = kind === "enqueue" && data.enqueueWaits;
    return { key, kind, label: waits ? "Enqueue and wait" : title(key), hint: HINTS[waits ? "waits" : kind], height: HEIGHTS[kind], order, longest };
  });
}

const title = (key) => ({ inference: "Inference", enqueue: "Host enqueue" }[key] ?? key[0].toUpperCase() + key.slice(1));

/** Position in a track's order of the first slice that starts at or after a time. */
function lowerBound(order, start, time) {
  let low = 0;
  let high = order.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (start[order[middle]] < time) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * Draw one track; bars narrower than a pixel merge into one column whose strength is its coverage.
 *
 * @param frame { from, to, width, x(time), y, height } of the track
 * @param look { colours, by: what colours mean, marked: Uint8Array by layer (empty without selection) }
 * @returns the part of the visible time in which the track was busy
 */
export function drawSlices(ctx, data, track, frame, look) {
  const { start, duration, layer } = data.slices;
  const scale = frame.width / (frame.to - frame.from);
  const top = frame.y + 2;
  const height = frame.height - 4;
  const column = { at: -1, cover: 0, best: 0, slice: -1, marked: false };
  let busy = 0;
  const flush = () => {
    if (column.slice >= 0) {
      ctx.globalAlpha = Math.min(1, 0.3 + column.cover) * strength(look, layer[column.slice], column.marked);
      ctx.fillStyle = fillOf(data, look, column.slice);
      ctx.fillRect(column.at, top, 1, height);
      if (column.marked) drawPin(ctx, column.at, frame, look);
    }
    column.slice = -1;
  };
  for (let p = lowerBound(track.order, start, frame.from - track.longest); p < track.order.length; p += 1) {
    const i = track.order[p];
    if (start[i] > frame.to) break;
    const left = (start[i] - frame.from) * scale;
    const right = left + duration[i] * scale;
    if (right < 0) continue;
    busy += Math.min(right, frame.width) - Math.max(left, 0);
    const marked = layer[i] >= 0 && look.marked[layer[i]] === 1;
    if (right - left < 1.5) {
      const at = Math.floor(left);
      if (at !== column.at || column.slice < 0) { flush(); Object.assign(column, { at, cover: 0, best: -1, slice: i, marked: false }); }
      column.cover += right - left;
      column.marked ||= marked;
      if (duration[i] > column.best || marked) { column.best = marked ? Infinity : duration[i]; column.slice = i; }
    } else {
      flush();
      drawBar(ctx, data, look, i, Math.max(left, -2), Math.min(right, frame.width + 2), top, height, marked);
    }
  }
  flush();
  ctx.globalAlpha = 1;
  return Math.min(1, busy / frame.width);
}

/** A selected bar that is too narrow to see is pinned from above and below. */
function drawPin(ctx, at, frame, look) {
  ctx.globalAlpha = 1;
  ctx.fillStyle = look.colours.fg;
  ctx.fillRect(at - 2, frame.y, 5, 3);
  ctx.fillRect(at - 2, frame.y + frame.height - 3, 5, 3);
}

/** How strongly a layer's bar is drawn: unselected ones step back while something is selected, but not where pale means little headroom. */
const strength = (look, layer, marked) => (look.marked.length === 0 || marked || layer < 0 || look.by === "headroom" ? 1 : 0.26);

function fillOf(data, look, i) {
  const layer = data.slices.layer[i];
  if (layer >= 0) return layerColour(look.colours, data.layers[layer], look.by).fill;
  return data.categories[data.slices.category[i]] === "copy" ? look.colours.fg2 : look.colours.fg3;
}

function drawBar(ctx, data, look, i, left, right, top, height, marked) {
  const width = Math.max(1, right - left - (right - left > 3 ? 0.75 : 0));
  const layer = data.slices.layer[i];
  const alpha = strength(look, layer, marked);
  ctx.globalAlpha = alpha;
  ctx.fillStyle = fillOf(data, look, i);
  ctx.fillRect(left, top, width, height);
  if (marked && width > 3) {
    ctx.strokeStyle = look.colours.fg;
    ctx.lineWidth = 1.5;
    ctx.strokeRect(left + 0.75, top + 0.75, width - 1.5, height - 1.5);
  } else if (marked) drawPin(ctx, Math.round(left), { y: top - 2, height: height + 4 }, look);
  const text = height < 10 ? "" : labelOf(ctx, data, i, width - 8);
  if (!text) return;
  ctx.globalAlpha = 1;
  const ink = layer >= 0 ? layerColour(look.colours, data.layers[layer], look.by).ink : look.colours.bg;
  ctx.fillStyle = alpha < 1 ? look.colours.fg2 : ink;
  ctx.fillText(text, Math.max(left, 0) + 4, top + height / 2 + 0.5);
}

/** What a bar is called in so many pixels; empty when nothing telling fits. */
export function labelOf(ctx, data, i, room) {
  if (room < LEAST_ROOM) return "";
  const widthOf = (text) => ctx.measureText(text).width;
  const id = data.slices.iteration[i];
  if (data.categories[data.slices.category[i]] === "inference") {
    return [`Inference ${id}`, String(id)].find((text) => widthOf(text) <= room) ?? "";
  }
  const name = sliceName(data, i);
  if (data.slices.layer[i] < 0) return fitText(ctx, name, room);
  return isSentence(name) ? fitText(ctx, bareName(name), room) : barName(name, room, widthOf);
}

/** The slice of a track at a time, or the nearest one within a tolerance; −1 when there is none. */
export function sliceAt(data, track, time, tolerance) {
  const { start, duration } = data.slices;
  let best = -1;
  let distance = tolerance;
  for (let p = lowerBound(track.order, start, time - track.longest - tolerance); p < track.order.length; p += 1) {
    const i = track.order[p];
    if (start[i] > time + tolerance) break;
    const gap = Math.max(start[i] - time, time - start[i] - duration[i], 0);
    if (gap <= distance) { best = i; distance = gap; }
  }
  return best;
}

/** The neighbour of a slice on its track, for the arrow keys; −1 at either end. */
export function neighbour(data, track, i, step) {
  const p = track.order.indexOf(i) + step;
  return p >= 0 && p < track.order.length ? track.order[p] : -1;
}

/** The first layer's slice whose middle is in a range, on any stream; else the nearest before or after; −1 without layers. */
export function firstInView(data, tracks, [from, to]) {
  const { start, duration, layer } = data.slices;
  const middle = (i) => start[i] + duration[i] / 2;
  let [before, after] = [-1, -1];
  for (const track of tracks) {
    if (track.kind !== "stream") continue;
    for (const i of track.order) {
      if (layer[i] < 0) continue;
      if (middle(i) < from) { if (before < 0 || start[i] > start[before]) before = i; }
      else { if (after < 0 || start[i] < start[after]) after = i; break; }
    }
  }
  return after >= 0 && (before < 0 || middle(after) <= to) ? after : before;
}

/** A layer's slice in the chosen iteration, else its first one in a range, else its first one; −1 without one. */
export function firstOf(data, tracks, layer, { chosen, range: [from, to] }) {
  let best = -1;
  if (layer < 0) return best; // copies are of no layer, too
  for (const track of tracks) {
    if (track.kind !== "stream") continue;
    for (const i of track.order) {
      if (data.slices.layer[i] !== layer) continue;
      if (best < 0) best = i;
      if (chosen === undefined ? data.slices.start[i] >= from && data.slices.start[i] <= to : data.slices.iteration[i] === chosen) return i;
    }
  }
  return best;
}
