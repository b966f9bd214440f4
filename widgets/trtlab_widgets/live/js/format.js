// Numbers as people read them. Every function gives a dash for a missing value, never a zero.

export const DASH = "–";

const grouped = new Intl.NumberFormat("en-US"); // made once: making one is slow

/** A number's text with the sign that people read; files for programs have a hyphen. */
const signed = (text) => text.replace("-", "−");

/** A whole number with commas between thousands. */
export const whole = (value) => signed(grouped.format(value));

/** Three significant digits without an exponent: 1234 → "1,234", 0.01234 → "0.0123". */
export function digits(value) {
  if (value === null || value === undefined || Number.isNaN(value)) return DASH;
  const size = Math.abs(value);
  if (size === 0) return "0";
  if (size >= 100) return whole(Math.round(value));
  const places = Math.min(8, Math.max(0, 2 - Math.floor(Math.log10(size))));
  return signed(value.toFixed(places));
}

/** A value with the largest unit that keeps it at or above one. */
function scaled(value, steps) {
  if (value === null || value === undefined || Number.isNaN(value)) return DASH;
  const size = Math.abs(value);
  let chosen = steps[0];
  for (const step of steps) if (size >= step[0]) chosen = step;
  return `${digits(value / chosen[0])} ${chosen[1]}`;
}

const TIME_NS = [[1, "ns"], [1e3, "µs"], [1e6, "ms"], [1e9, "s"]];
const BYTES = [[1, "B"], [1024, "KiB"], [2 ** 20, "MiB"], [2 ** 30, "GiB"], [2 ** 40, "TiB"]];
const COUNT = [[1, ""], [1e3, "K"], [1e6, "M"], [1e9, "G"], [1e12, "T"], [1e15, "P"]];

const FLOP_RATE = [[1, "GFLOP/s"], [1e3, "TFLOP/s"]];
const BYTE_RATE = [[1, "GB/s"], [1e3, "TB/s"]];

export const timeNs = (ns) => scaled(ns, TIME_NS);
export const timeUs = (us) => (us === null || us === undefined ? DASH : scaled(us * 1e3, TIME_NS));
export const bytes = (count) => scaled(count, BYTES);
export const count = (value, unit = "") => `${scaled(value, COUNT)}${unit}`.trim();
/** Rates, from GFLOP/s and GB/s; bytes a second go by thousands, as vendors and other profilers count them. */
export const flopRate = (gflops) => scaled(gflops, FLOP_RATE);
export const byteRate = (gbytes) => scaled(gbytes, BYTE_RATE);

/** The unit that a column of rates shares: how many GFLOP/s one of it is, and its name. */
export const flopUnit = (largest) => FLOP_RATE.findLast(([size]) => largest >= size) ?? FLOP_RATE[0];

export function percent(share) {
  if (share === null || share === undefined || Number.isNaN(share)) return DASH;
  const value = share * 100;
  if (value !== 0 && Math.abs(value) < 0.1) return "<0.1 %";
  return `${signed(value.toFixed(Math.abs(value) >= 10 ? 0 : 1))} %`;
}

/** A change against what it is measured by: 0.264 → "+26 %"; beyond twice it is a multiple: 1.5 → "2.5 times". */
export function increase(share) {
  if (share > 1) return `${share >= 8.95 ? whole(Math.round(1 + share)) : (1 + share).toFixed(1)} times`;
  return `${share * 100 >= 0.1 ? "+" : ""}${percent(share)}`;
}

/** A tensor's shape: [1, 64, 56, 56] → "1×64×56×56"; a scalar → "scalar". */
export const shape = (extents) => (extents.length ? extents.join("×") : "scalar");

const OPERATOR = /^(?:cpu|cuda)\.(?:(?!cudnn|cublaslt|numpy)\w+\.)?/;

/** A tactic's name without device and operator, which the row tells anyhow; a library's name stays. */
export const shortTactic = (name) => name.replace(OPERATOR, "");

/** What a layer computes in, as `trtlab.report.precisions` says it. */
export const precisionText = ({ precision, emulated }) => precision + (emulated ? " (emulated)" : "");

/** A sensor's value: bytes are scaled, other units are kept; whole numbers stay whole. */
export function reading(value, unit) {
  if (value === null || value === undefined || Number.isNaN(value)) return DASH;
  if (unit === "bytes" || unit === "bytes/s") return bytes(value) + unit.slice("bytes".length);
  if (unit === "%") return value === 0 ? "0 %" : percent(value / 100);
  return `${Number.isInteger(value) ? whole(value) : digits(value)} ${unit}`.trim();
}

/** A sensor's name without its remark in brackets, which is left to the tooltip. */
export const shortLabel = (label) => label.replace(/ \(.*\)$/, "");

/** Round steps (1, 2, 5 × 10ⁿ) so that about `wanted` of them lie between two values. */
export function ticks(from, to, wanted) {
  const span = to - from;
  if (!(span > 0)) return { step: 1, values: [] };
  const raw = span / Math.max(1, wanted);
  const base = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * base).find((s) => s >= raw);
  const values = [];
  for (let i = Math.ceil(from / step); i * step <= to; i += 1) values.push(i * step);
  return { step, values };
}

/** An axis label in the unit of the axis' span, so that all labels of one axis share a unit. */
export function tickLabel(ns, span, step) {
  let unit = TIME_NS[0];
  for (const candidate of TIME_NS) if (span >= candidate[0] * 2) unit = candidate;
  const places = Math.max(0, -Math.floor(Math.log10(step / unit[0]) + 1e-9));
  return `${signed((ns / unit[0]).toFixed(Math.min(places, 6)))} ${unit[1]}`;
}
