// How near a layer comes to what the device's measured peaks allow: in numbers and in words.

import { byteRate, flopRate, percent } from "./format.js";

const OVER = 1.005; // from here on a whole per cent would say more than 100

/** A share of the device's limit; more than all of it is only said to be more. */
export const ofLimit = (attained) => (attained >= OVER ? ">100 %" : percent(attained > 1 ? 1 : attained));

/** What a share above the limit means; empty where it is not above. */
export function overLimit(attained) {
  if (!(attained >= OVER)) return "";
  return `${percent(attained)} of what the measured peaks allow. The peak is a measurement too, and this layer went beyond it: `
    + "its data lay in a cache, or the device was slower while the peak was measured.";
}

/** Why nothing is said of a layer's limit; empty where it is. */
export function noLimit({ peaks }, { attained, time, flops, precision, emulated }) {
  if (attained !== null) return "";
  if (time === null) return "The layer was not run.";
  if (flops > 0 && !peaks.flops[precision]) {
    const why = emulated ? ": it is emulated through fp32, so its times tell nothing of a limit" : "";
    return `No peak of ${precision} was measured${why}.`;
  }
  return peaks.bytes ? "" : "The memory's peak was not measured.";
}

/** Why colours by the room below the limit would tell nothing: no layer that computes has one; empty where some has. */
export function noHeadroom(data) {
  const computing = data.layers.filter((layer) => layer.flops > 0 && layer.time !== null);
  const [slowest] = [...computing].sort((a, b) => b.time - a.time);
  if (computing.some((layer) => layer.attained !== null)) return "";
  return slowest ? noLimit(data, slowest) : "No layer that computes was timed.";
}

/** The peaks that the layers are held against: of every type that they compute in, and of memory. Empty where none is known. */
export function peaksText({ peaks, layers }) {
  const used = new Set(layers.filter((layer) => layer.flops > 0).map((layer) => layer.precision));
  const rates = Object.entries(peaks.flops).filter(([precision]) => used.has(precision));
  const parts = rates.map(([precision, flops]) => `${precision} ${flopRate(flops / 1e9)}`);
  if (peaks.bytes) parts.push(`memory ${byteRate(peaks.bytes / 1e9)}`);
  return parts.join(", ");
}
