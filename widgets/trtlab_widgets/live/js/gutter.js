// The column beside the timeline: every track's place, name and reading.

import { fillWith, h } from "./dom.js";
import { reading } from "./format.js";
import { MINIMAP, RULER } from "./time_axis.js";
import { sampleAt } from "./trace_track.js";

const GAP = 6; // between the slices and the sensors

/** Give every track its place; returns the height of all. */
export function placeTracks(tracks, bars) {
  let y = MINIMAP + RULER;
  tracks.forEach((track, i) => {
    if (i === bars && bars) y += GAP;
    track.y = y;
    y += track.height + 1;
  });
  return y + (tracks.some((t) => t.kind === "trace") ? 0 : 18);
}

/** The tracks' names and readings, as text beside the canvas. */
export function createGutter(tracks) {
  const values = new Map(tracks.map((track) => [track, h("span", { class: "t-gutter-value" })]));
  const rows = tracks.map((track) =>
    h("div", { class: `t-gutter-row is-${track.kind}`, title: track.hint, style: { top: `${track.y}px`, height: `${track.height}px` } },
      h("span", { class: "t-gutter-label" }, track.label), values.get(track)));
  return {
    el: h("div", { class: "t-gutter" }, rows),
    set(track, text) { const el = values.get(track); if (el.textContent !== text) fillWith(el, text); },
  };
}

/** The least and the greatest value of a trace, while nothing points at a time. */
export function spanText({ values, unit }) {
  let low = Infinity;
  let high = -Infinity;
  for (const value of values) { low = Math.min(low, value); high = Math.max(high, value); }
  const [from, to] = [reading(low, unit), reading(high, unit)];
  if (from === to) return to;
  const suffix = to.match(/ \D+$/)?.[0] ?? ""; // said once where both have it
  return `${suffix && from.endsWith(suffix) ? from.slice(0, -suffix.length) : from} – ${to}`;
}

/** A trace's value at a time: that of the last sample before. */
export function valueText(track, time) {
  const i = sampleAt(track.times, time);
  return reading(i < 0 ? null : track.values[i], track.unit);
}
