// Sensors that said the same all along, or whose message another one tells: one line names them, and
// unfolds to their tracks.

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

// Details, and the sensor that is shown in their place.
const TOLD_BY = {
  "gpu.power_average": "gpu.power", "gpu.energy": "gpu.power", "gpu.memory_temperature": "gpu.temperature",
  "gpu.utilization": "gpu.sm_active", "gpu.sm_occupancy": "gpu.sm_active", "gpu.memory_utilization": "gpu.dram_active",
  "gpu.fp32_active": "gpu.tensor_active", "gpu.fp16_active": "gpu.tensor_active",
};

/** The tracks to show at first, and those to fold: details (but one that reaches its limit), and unchanged ones. */
export function foldTracks(traces) {
  const keys = new Set(traces.map((track) => track.key));
  const hot = ({ unit, limit, values }) => unit === "°C" && limit !== null && values.some((value) => value >= limit);
  const unchanged = traces.filter(isUnchanged);
  const rest = traces.filter((track) => !unchanged.includes(track));
  const details = rest.filter((track) => keys.has(TOLD_BY[track.key]) && !hot(track));
  return { shown: rest.filter((track) => !details.includes(track)), details, unchanged };
}

/** The folded line in words: `2 more: energy, memory temperature · 1 unchanged: memory clock 3,201 MHz`. */
export function foldText(details, unchanged) {
  const more = details.map(({ label }) => inSentence(label)).join(", ");
  return [
    details.length && `${details.length} more: ${more}`,
    unchanged.length && unchangedText(unchanged),
  ].filter(Boolean).join(" · ");
}

/** What the unchanged sensors said, in words: `2 unchanged: memory clock 3,201 MHz · PCIe link gen 5 ×16`. */
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
 * The line as a button at a height of the timeline; null when nothing is folded.
 * @param controls the id of what it unfolds; @param onfold(folded) after each press
 */
export function createFold(details, unchanged, y, controls, onfold) {
  const text = foldText(details, unchanged);
  if (!text) return null;
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
