// The ranked table of layers: search, type filter, inline bars, export.

import { LATE } from "./columns.js";
import { button, download, fillWith, h } from "./dom.js";
import { bytes, count, DASH, digits, flopUnit, percent, precisionText, shape, shortTactic, timeUs, whole } from "./format.js";
import { createGrid, swatchText, toCsv } from "./grid.js";
import { noHeadroom, noLimit, ofLimit, overLimit, peaksText } from "./limit.js";
import { bareName } from "./names.js";
import { createPrinted } from "./printed.js";

/** Columns in order of use: what and how long first, then why; without room, what says least goes first. */
function layerColumns(data) {
  const slowest = Math.max(...data.layers.map((l) => l.time ?? 0), 1e-9);
  const family = (layer) => data.families[layer.family].key;
  const [unit, unitName] = flopUnit(Math.max(...data.layers.map((l) => l.gflops ?? 0)));
  const single = data.layers.every((l) => l.stream === data.layers[0].stream);
  const known = (column) => column.key !== "attained" || data.layers.some((l) => l.attained !== null);
  return [
    { key: "index", title: "#", hint: "Order of execution, counted from 0", width: 44, spare: LATE + 1, align: "end", cls: "t-dim", value: (r) => r.index, text: (r) => String(r.index) },
    { key: "name", title: "Layer", width: 190, least: 150, grow: 2.4, cls: "t-sticky", value: (r) => r.name, text: (r) => bareName(r.name), draw: (c, r, fit) => swatchText(c, family(r), r.name, fit) },
    { key: "time", title: "Median time", hint: `Median over all inferences of the ${data.runs.profiled}${data.layersClock && `; ${data.layersClock}`}`, width: 112, grow: 1.2, align: "end", value: (r) => r.time, text: (r) => timeUs(r.time), draw: (c, r) => drawBar(c, r, family(r), slowest) },
    { key: "share", title: "Share", hint: "Part of the sum over all layers", width: 62, align: "end", value: (r) => r.share, text: (r) => percent(r.share) },
    { key: "cumulative", title: "Cum.", hint: "Share of this and all slower layers", width: 56, spare: 1, align: "end", value: (r) => r.cumulative, text: (r) => percent(r.cumulative) },
    { key: "type", title: "Type", width: 92, spare: 3, grow: 1, value: (r) => r.label, text: (r) => r.label },
    { key: "precision", title: "Prec.", hint: `Type that it computes in${data.layers.some((l) => l.emulated) ? "; * emulated through fp32: its accuracy is shown, not its speed" : ""}`, width: 52, spare: LATE, value: (r) => r.precision, text: (r) => r.precision + (r.emulated ? "*" : ""), tell: precisionText },
    { key: "tactic", title: "Tactic", width: 178, least: 104, spare: LATE + 2, grow: 1.6, cls: "t-mono", value: (r) => r.tactic, text: (r) => shortTactic(r.tactic), draw: drawTactic },
    { key: "attained", title: "Of limit", hint: `Share of what the device's measured peaks allow (roofline)${data.layersClock && `. Layers: ${data.layersClock}`}. Peaks, of a run of their own: ${peaksText(data)}${noHeadroom(data) && `. – where there is none: ${noHeadroom(data)}`}`, width: 66, align: "end", value: (r) => r.attained, text: (r) => ofLimit(r.attained), tell: (r) => overLimit(r.attained) || noLimit(data, r) },
    { key: "gflops", title: unitName, hint: "Rate of arithmetic", width: 68, spare: 7, align: "end", value: (r) => (r.gflops === null ? null : r.gflops / unit), text: (r) => rateText(r, unit) },
    { key: "bytes", title: "Bytes", hint: "Least bytes to move: inputs, weights and outputs once", width: 80, spare: 6, align: "end", value: (r) => r.bytes, text: (r) => bytes(r.bytes) },
    { key: "intensity", title: "FLOP/B", hint: "Arithmetic intensity", width: 62, spare: 5, align: "end", value: (r) => r.intensity, text: (r) => digits(r.intensity) },
    { key: "output", title: "Output", width: 96, spare: 4, longest: longestOf(data.layers.map(outputShape)), grow: 1, value: (r) => outputShape(r), text: (r) => outputShape(r) },
    { key: "stream", title: "Stream", width: 58, spare: single ? 2 : 8, align: "end", value: (r) => r.stream, text: (r) => String(r.stream) },
  ].filter(known);
}

/** A rate in the column's unit; one too small for it is only said to be small. */
function rateText({ flops, gflops }, unit) {
  const rate = gflops / unit;
  if (!flops || gflops === null) return DASH;
  return rate < 0.001 ? "<0.001" : digits(rate);
}

const outputShape = (layer) => (layer.outputs.length ? shape(layer.outputs[0].shape) : DASH);

/** The text with the most letters, but not more than two dozen of them: other columns need room, too. */
const longestOf = (texts) => texts.reduce((most, text) => (text.length > most.length ? text : most), "").slice(0, 24);

/** The end of a tactic's name tells rows apart; the whole name is in the tooltip. */
function drawTactic(cell, row) {
  cell.textContent = shortTactic(row.tactic);
  cell.title = row.tactic;
}

function drawBar(cell, row, family, slowest) {
  const part = ((row.time ?? 0) / slowest) * 100;
  fillWith(cell, h("span", { class: "t-bar", style: { "--c": `var(--t-${family})`, "--w": `${part}%` } }), h("span", { class: "t-bar-text" }, timeUs(row.time)));
}

/** @param data what readPayload gives; @param store shares selection and hover */
export function createLayerTable(data, store) {
  const rows = data.layers.map((layer) => Object.assign(layer, { id: layer.index, hay: haystack(layer) }));
  const columns = layerColumns(data);
  const timed = data.layers.some((l) => l.time !== null);
  const noRoom = h("span", { class: "t-noroom t-clip", title: "A wider window shows them; the CSV has all columns." });
  const grid = createGrid({
    label: "Layers", columns, sort: timed ? ["time", "descending"] : ["index", "ascending"],
    empty: "No layer matches the filter.",
    onselect: (ids) => store.set({ selection: ids }, "table"),
    onhover: (id) => store.set({ hover: id ?? -1 }, "table"),
    onfit: (hidden) => fillWith(noRoom, hidden.length > 0 && `no room for ${hidden.map((c) => c.title).join(", ")}`),
  });
  const search = h("input", { type: "search", class: "t-search", placeholder: "Filter by name, type, tactic …", title: "Finds words in name, type, tactic, precision and origins", "aria-label": "Filter layers", spellcheck: "false" });
  const families = new Set();
  const chips = familyChips(data, families, filter);
  const foot = h("div", { class: "t-foot", role: "status" });
  const csv = button("CSV", "Save the listed layers as CSV", () =>
    download(`${data.model}-layers.csv`, toCsv(columns, grid.ordered()), "text/csv"));

  function filter() {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    const found = rows.filter((row) => words.every((word) => row.hay.includes(word)));
    chips.count(found);
    grid.setRows(found.filter((row) => !families.size || families.has(row.family)));
    grid.setSelected(store.get().selection);
    tell();
  }

  function tell() {
    const shown = grid.ordered();
    const { selection } = store.get();
    const subject = selection.length > 1 ? selection.map((i) => data.layers[i]) : shown;
    const time = subject.reduce((sum, layer) => sum + (layer.time ?? 0), 0);
    const share = subject.reduce((sum, layer) => sum + (layer.share ?? 0), 0);
    const flops = subject.reduce((sum, layer) => sum + layer.flops, 0);
    const what = selection.length > 1 ? `${selection.length} selected` : `${whole(shown.length)} of ${whole(rows.length)} layers`;
    fillWith(foot, h("b", {}, what), timed ? ` · ${timeUs(time)}${subject.length > 1 ? ", sum of medians" : ""} · ${percent(share)} of the layers' time` : " · not run yet", ` · ${count(flops, "FLOP")}`, noRoom);
  }

  search.addEventListener("input", filter);
  search.addEventListener("keydown", (event) => {
    if (event.key === "Escape" && search.value) { search.value = ""; filter(); event.stopPropagation(); }
    if (event.key === "ArrowDown") grid.el.focus();
  });
  const off = [
    store.on(["selection"], (state, source) => {
      if (source !== "table") grid.setSelected(state.selection);
      tell();
    }),
    store.on(["hover"], (state) => grid.setHovered(state.hover)),
  ];
  filter();
  const printed = createPrinted(columns, grid.ordered);
  const bar = h("div", { class: "t-tablebar" }, search, chips.el, csv);
  return {
    el: h("div", { class: "t-table" }, bar, grid.el, printed.el, foot),
    focusSearch: () => search.focus(),
    dispose() { off.forEach((f) => f()); grid.dispose(); printed.dispose(); },
  };
}

const haystack = (l) => [l.name, l.label, l.type, l.tactic, precisionText(l), ...l.origins].join(" ").toLowerCase();

/** One toggle for each family that occurs; with none pressed, all are shown. `count(layers)` tells how many it would show. */
function familyChips(data, chosen, changed) {
  const counts = new Map();
  for (const layer of data.layers) counts.set(layer.family, (counts.get(layer.family) ?? 0) + 1);
  const numbers = new Map();
  const chips = [...counts].sort((a, b) => b[1] - a[1]).map(([family, number]) => {
    const { key, label } = data.families[family];
    const count = h("span", { class: "t-chip-count", style: { "min-width": `${String(number).length}ch` } }); // of one width: nothing moves
    numbers.set(family, count);
    const chip = h("button", {
      type: "button", class: "t-chip", "aria-pressed": "false", style: { "--c": `var(--t-${key})` },
      title: `Show only: ${label}, ${whole(number)} of all layers`,
      onclick: () => {
        if (!chosen.delete(family)) chosen.add(family);
        chip.setAttribute("aria-pressed", String(chosen.has(family)));
        changed();
      },
    }, h("span", { class: "t-swatch" }), label, count);
    return chip;
  });
  const count = (layers) => numbers.forEach((el, family) => { el.textContent = layers.filter((layer) => layer.family === family).length; });
  return { el: h("div", { class: "t-chips", role: "group", "aria-label": "Filter by layer type" }, chips), count };
}
