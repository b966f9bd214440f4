// Sensors that said the same all along: one line tells them, and unfolds to their tracks.

import { h } from "./dom.js";
import { reading } from "./format.js";

export const FOLD = 26; // the line's height

const HELD_BACK = { MHz: (value, limit) => value < limit, "°C": (value, limit) => value >= limit, W: (value, limit) => value >= limit };

/** Whether nothing happened in a track. Throttling is something even where it never ends: a time held
 * back, a clock below its limit, a power or temperature at it. */
export function isUnchanged({ kind, key, values, unit, limit }) {
  if (kind !== "trace" || key === "latency") return false;
  const [first] = values;
  if (!values.every((value) => value === first)) return false;
  if (key.endsWith(".throttled") && first !== 0) return false;
  return limit === null || !HELD_BACK[unit]?.(first, limit);
}

/** What the folded sensors said, in words: `2 unchanged: memory clock 3,201 MHz · PCIe link gen 5 ×16`. */
export function unchangedText(tracks) {
  const of = (key) => tracks.find((track) => track.key === key);
  const [generation, lanes] = [of("gpu.pcie_generation"), of("gpu.pcie_width")];
  const parts = tracks.map((track) => {
    if (!generation || !lanes || (track !== generation && track !== lanes)) return `${inSentence(track.label)} ${saidBy(track)}`;
    return track === generation ? `PCIe link gen ${saidBy(generation)} ×${saidBy(lanes)}` : null;
  });
  return `${tracks.length} unchanged: ${parts.filter((part) => part !== null).join(" · ")}`;
}

/** The one value; of what it could be, where a link runs below that. */
function saidBy({ values, unit, limit }) {
  const said = reading(values[0], unit);
  return unit === "" && limit !== null && values[0] < limit ? `${said} of ${reading(limit, unit)}` : said;
}

/** A label inside a line: "Core frequency, mean" → "core frequency (mean)"; GPU, PCIe and SMs keep their capitals. */
function inSentence(label) {
  const one = label.replace(/, (.*)$/, " ($1)");
  return /^[A-Z][a-z ]/.test(one) ? one[0].toLowerCase() + one.slice(1) : one;
}

/**
 * The line as a button at a height of the timeline; null when every sensor changed.
 * @param controls the id of what it unfolds; @param onfold(folded) after each press
 */
export function createFold(tracks, y, controls, onfold) {
  if (!tracks.length) return null;
  const text = unchangedText(tracks);
  const el = h("button", {
    type: "button", class: "t-fold", title: text, "aria-expanded": "false", "aria-controls": controls,
    style: { top: `${y}px`, height: `${FOLD}px` },
    onclick() {
      const open = el.getAttribute("aria-expanded") === "false";
      el.setAttribute("aria-expanded", String(open));
      onfold(!open);
    },
  }, h("span", { class: "t-clip" }, text));
  return el;
}
