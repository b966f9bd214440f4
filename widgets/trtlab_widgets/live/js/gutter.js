// The column beside the timeline: every track's place, name and reading.

import { fillWith, h, uniqueId } from "./dom.js";
import { FOLD } from "./fold.js";
import { reading, whole } from "./format.js";
import { MINIMAP, RULER } from "./time_axis.js";
import { sampleAt } from "./trace_track.js";

const OLD_MS = 5; // a sample's age that is told
const GAP = 6; // between the slices and the sensors

/**
 * Give every track its place: slices, sensors, then the line that folds some of them, and those.
 * Returns where the line begins, and the heights with them folded away and with all of them shown.
 */
export function placeTracks(slices, traces, folding) {
  let y = MINIMAP + RULER;
  const place = (track) => { track.y = y; y += track.height + 1; };
  slices.forEach(place);
  if (slices.length && traces.length + folding.length) y += GAP;
  traces.forEach(place);
  if (!traces.length) y += 18; // for the word that the clocks were held back
  const fold = y;
  if (folding.length) y += FOLD;
  const folded = y;
  folding.forEach(place);
  return { fold, folded, open: y };
}

/** The tracks' names and readings, as text beside the canvas; those that fold are hidden at first. */
export function createGutter(tracks, folding) {
  const values = new Map([...tracks, ...folding].map((track) => [track, h("span", { class: "t-gutter-value" })]));
  const row = (track) =>
    h("div", { class: `t-gutter-row is-${track.kind}`, title: track.hint, style: { top: `${track.y}px`, height: `${track.height}px` } },
      h("span", { class: "t-gutter-label" }, track.label), values.get(track));
  const rest = h("div", { id: uniqueId("t-folding"), role: "group", "aria-label": "More sensors", hidden: true }, folding.map(row));
  return {
    el: h("div", { class: "t-gutter" }, tracks.map(row), rest),
    rest,
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

/** A trace's value at a time: that of the last sample before, with its age; a query counts where its dot is in view. */
export function valueText(track, time, [from]) {
  const i = sampleAt(track.times, time);
  const known = i >= 0 && !(track.dots && track.times[i] < from);
  const text = reading(known ? track.values[i] : null, track.unit);
  const age = known && !track.dots ? Math.round((time - track.times[i]) / 1e6) : 0;
  return age >= OLD_MS ? `${text}, ${whole(age)} ms before` : text;
}
