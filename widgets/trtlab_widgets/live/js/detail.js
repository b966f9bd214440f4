// Everything that is known of the selected layer.

import { leaderboard } from "./contest.js";
import { fillWith, h } from "./dom.js";
import { byteRate, bytes, count, DASH, digits, flopRate, percent, precisionText, shape, timeUs } from "./format.js";
import { noLimit, ofLimit, overLimit } from "./limit.js";
import { fitName, textMeasure } from "./names.js";
import { histogram, roofline } from "./small_charts.js";

const BESIDE = 175; // pixels that a listed layer's name leaves to its swatch, its time and the padding

export function createDetail(data, store) {
  const el = h("section", { class: "t-detail", "aria-label": "Selected layer", tabindex: "0" });
  const select = (index) => store.set({ selection: [index] }, "detail");
  let fit = (name) => name; // until the observer tells the width

  function draw() {
    const { selection } = store.get();
    el.scrollTop = 0; // before filling: afterwards it would cost a layout
    if (!selection.length) fillWith(el, nothing(data, select, fit));
    else if (selection.length === 1) fillWith(el, one(data, data.layers[selection[0]], select));
    else fillWith(el, several(selection.map((i) => data.layers[i]), data, select, fit));
  }

  const off = store.on(["selection"], draw);
  draw();
  const observer = new ResizeObserver((entries) => {
    const room = entries[0].target.clientWidth - BESIDE;
    const widthOf = textMeasure(el);
    fit = (name) => fitName(name, room, widthOf);
    if (store.get().selection.length !== 1) draw(); // only lists depend on it
  });
  observer.observe(el);
  return { el, dispose() { off(); observer.disconnect(); } };
}

function nothing(data, select, fit) {
  const top = [...data.layers].filter((l) => l.time !== null).sort((a, b) => b.time - a.time).slice(0, 6);
  const keys = [["W S", "zoom in, out"], ["A D", "move left, right"], ["← →", "previous, next layer"], ["[ ]", "previous, next inference"], ["F", "zoom to the layer"], ["Home", "show everything"], ["Esc", "clear the selection"]];
  return [
    h("p", { class: "t-detail-empty" }, "Select a layer in any view to see where it comes from, why it runs the way it does, and how far from the hardware's limit."),
    top.length > 0 && section("Slowest layers", layerList(top, data, select, fit)),
    section("Keys on the timeline", h("dl", { class: "t-keys" }, keys.map(([key, what]) => [h("dt", {}, key.split(" ").map((k) => h("kbd", {}, k))), h("dd", {}, what)]))),
  ];
}

function several(layers, data, select, fit) {
  const sum = (key) => layers.reduce((total, layer) => total + (layer[key] ?? 0), 0);
  return [
    h("header", { class: "t-detail-head" }, h("h3", {}, `${layers.length} layers`)),
    facts([
      ["Time", timeUs(sum("time")), layers.some((layer) => layer.time !== null) ? `${percent(sum("share"))}, sum of medians` : ""],
      ["Arithmetic", count(sum("flops"), "FLOP"), sum("time") ? flopRate(sum("flops") / sum("time") / 1e3) : ""],
      ["Traffic", bytes(sum("bytes")), ""],
      ["Weights", bytes(sum("weights")), ""],
    ]),
    section("Layers", layerList([...layers].sort((a, b) => (b.time ?? 0) - (a.time ?? 0)).slice(0, 200), data, select, fit)),
  ];
}

function layerList(layers, data, select, fit) {
  return h("ul", { class: "t-links" }, layers.map((layer) => h("li", {},
    h("button", { type: "button", class: "t-link", onclick: () => select(layer.index) }, swatch(data, layer), h("span", { class: "t-clip", title: layer.name }, fit(layer.name))),
    h("span", { class: "t-num" }, timeUs(layer.time)), h("span", { class: "t-num t-dim" }, percent(layer.share)))));
}

const swatch = (data, layer) => h("span", { class: "t-swatch", style: { "--c": `var(--t-${data.families[layer.family].key})` } });

function one(data, layer, select) {
  const family = data.families[layer.family].key;
  const roof = roofline(data, layer, select);
  return [
    h("header", { class: "t-detail-head" }, swatch(data, layer), h("h3", { title: layer.name }, layer.name),
      h("p", { class: "t-dim" }, `${layer.label} · layer #${layer.index} · ${precisionText(layer)} · stream ${layer.stream}`)),
    facts([
      ["Median time", timeUs(layer.time), layer.time === null ? "not run" : `${percent(layer.share)} · no. ${layer.rank} by time`],
      ["Of the limit", ofLimit(layer.attained), limitNote(data, layer), overLimit(layer.attained) || noLimit(data, layer)],
      ["Arithmetic", layer.flops ? count(layer.flops, "FLOP") : DASH, layer.flops && layer.gflops ? flopRate(layer.gflops) : ""],
      ["Traffic", bytes(layer.bytes), layer.gbytes ? `${byteRate(layer.gbytes)} · ${digits(layer.intensity)} FLOP/B` : ""],
    ]),
    section("Where it comes from", origins(layer)),
    section("Tactics that competed", leaderboard(layer, family, data.tacticsAt)),
    layer.samples.length > 0 && section("Distribution of times", histogram(layer.samples, layer.time, family)),
    roof && section("Against the device's limit", roof),
    section("Tensors", tensors(layer)),
    Object.keys(layer.attributes).length > 0 && section("Attributes", attributes(layer.attributes)),
    section("Memory and kernels", memory(layer)),
  ];
}

const section = (title, ...body) => h("section", { class: "t-section" }, h("h4", {}, title), body);

function limitNote({ peaks }, { attained, bound, time, flops, precision }) {
  if (overLimit(attained)) return "above the peak";
  if (attained === null && time !== null) return flops > 0 && !peaks.flops[precision] ? `no peak of ${precision}` : "no peak measured";
  return bound ? `${bound}-bound` : "";
}

/** Pairs with a note below, and sometimes a tooltip. */
function facts(items) {
  return h("dl", { class: "t-facts" }, items.map(([name, value, note, title]) => h("div", { title }, h("dt", {}, name), h("dd", {}, value, h("small", {}, note)))));
}

function origins(layer) {
  const nodes = layer.origins.length
    ? h("ul", { class: "t-origins" }, layer.origins.map((o) => h("li", { class: "t-mono" }, o)))
    : h("p", { class: "t-dim" }, "No node of the model: the builder added it.");
  const rules = layer.rules.length > 0 && h("p", { class: "t-rules" }, layer.rules.length > 1 ? "Made by the rules " : "Made by the rule ", layer.rules.map((r) => h("span", { class: "t-tag" }, r)));
  return [nodes, rules];
}

function tensors(layer) {
  const rows = [...layer.inputs.map((t) => ["in", t]), ...layer.outputs.map((t) => ["out", t])];
  return h("table", { class: "t-plain t-tensors" },
    h("thead", {}, h("tr", {}, ["", "Tensor", "Shape", "Type", "Format", "Bytes"].map((text) => h("th", { scope: "col" }, text)))),
    h("tbody", {}, rows.map(([way, t]) => h("tr", {}, h("td", { class: "t-dim" }, way), h("td", { class: "t-mono t-clip", title: t.name }, t.name),
      h("td", {}, shape(t.shape)), h("td", {}, t.dtype), h("td", {}, t.format), h("td", { class: "t-num" }, bytes(t.bytes))))));
}

function attributes(values) {
  return h("dl", { class: "t-pairs" }, Object.entries(values).map(([key, value]) => [h("dt", { class: "t-mono" }, key), h("dd", { class: "t-mono" }, typeof value === "string" ? value : JSON.stringify(value))]));
}

function memory(layer) {
  return h("dl", { class: "t-pairs" },
    h("dt", {}, "Weights"), h("dd", {}, bytes(layer.weights)), h("dt", {}, "Workspace"), h("dd", {}, bytes(layer.workspace)),
    layer.kernels.map((kernel, i) => [h("dt", {}, i ? "" : "Kernels"), h("dd", { class: "t-mono" }, kernel)]));
}
