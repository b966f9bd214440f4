// The linked views of one report: timeline with sensors, layer table with drawer, memory plan.
//
// The entry of two hosts: a notebook gives an anywidget model, an exported page a stand-in with the
// same three methods. Traits: payload (bytes), selection (layer indices), status (state, message).

import { createTip } from "./canvas.js";
import { createDetail } from "./detail.js";
import { button, fillWith, h, segmented } from "./dom.js";
import { hideFallback } from "./fallback.js";
import { bytes, timeNs, whole } from "./format.js";
import { keepKeys } from "./keys.js";
import { createLayerTable } from "./layer_table.js";
import { noHeadroom, peaksText } from "./limit.js";
import { createMemoryView } from "./memory_view.js";
import { shortName } from "./names.js";
import { iterationBy, readPayload } from "./payload.js";
import { createStore } from "./store.js";
import { followTheme } from "./theme.js";
import { createTimeView } from "./time_view.js";
import { createAllocationTable, createSliceTable } from "./twins.js";

function render({ model, el }) {
  const root = h("div", { class: "trtl trtl-explorer" });
  el.append(root);
  let views = null;

  function build() {
    views?.dispose();
    views = null;
    const payload = model.get("payload");
    const status = model.get("status") ?? {};
    const ready = payload && payload.byteLength > 0 && (status.state ?? "ready") === "ready";
    root.classList.toggle("is-ready", Boolean(ready));
    if (ready) views = createViews(root, readPayload(payload), model);
    else fillWith(root, placeholder(status));
  }

  const select = () => views?.select(model.get("selection") ?? []);
  model.on("change:payload", build);
  model.on("change:status", build);
  model.on("change:selection", select);
  const unfollow = followTheme(root, () => views?.recolour());
  const unhide = hideFallback(el);
  keepKeys(root, (key) => Boolean(views?.key(key)));
  build();
  return () => {
    model.off("change:payload", build);
    model.off("change:status", build);
    model.off("change:selection", select);
    unfollow();
    unhide();
    views?.dispose();
  };
}

const STATES = {
  empty: ["No report yet", "Build and run a model to see its layers, timeline, sensors and memory here."],
  loading: ["Working …", ""],
  error: ["It did not work", ""],
  cancelled: ["Cancelled", "Nothing was lost. Start again whenever you like."],
};

/** What stands in the views' place, of the views' height, so that nothing jumps. */
function placeholder({ state = "empty", message = "" }) {
  const [title, text] = STATES[state] ?? STATES.empty;
  return h("div", { class: `t-placeholder is-${state}`, role: state === "error" ? "alert" : "status" },
    state === "loading" && h("div", { class: "t-skeleton", "aria-hidden": "true" }, [82, 64, 91, 47, 73].map((w) => h("i", { style: { "--w": `${w}%` } }))),
    h("strong", {}, title), h("p", {}, message || text));
}

function createViews(root, data, model) {
  const chosen = (model.get("selection") ?? []).filter((i) => i >= 0 && i < data.layers.length);
  const store = createStore({ selection: chosen, hover: -1, range: data.range, iteration: -1, colourBy: "type" });
  root.replaceChildren();
  const tip = createTip(root);
  const time = createTimeView(root, data, store, tip, goto);
  const table = createLayerTable(data, store);
  const detail = createDetail(data, store);
  const memory = createMemoryView(root, data, store, tip);
  const parts = [time, table, detail, memory];
  const stepper = iterationStepper(data, store, goto);
  const zoom = h("div", { class: "t-tools" },
    button("−", "Zoom out (S)", () => time.key("s")), button("+", "Zoom in (W)", () => time.key("w")));
  const timeline = hasTime(data) ? withTwin(time.el, () => createSliceTable(data, store), parts) : notMeasured(time.el);
  const plan = withTwin(memory.el, () => createAllocationTable(data, store), parts);

  function goto(position) {
    const it = data.iterations[position];
    const pad = it ? (it.end - it.start) * 0.015 : 0;
    store.set({ iteration: it ? position : -1, range: it ? [it.start - pad, it.end + pad] : time.limits }, "goto");
  }

  root.append(
    panel("Timeline", [timeMessage(data), runs(data, "profiled")], hasTime(data) ? [stepper, zoom, colourChoice(data, store, time.el), timeline.toggle] : [], note(data.profiling), timeline.el, missing(data)),
    h("div", { class: "t-columns" }, panel("Layers", [layerMessage(data), runs(data, "profiled")], [], note(data.sumsApart), table.el), h("div", { class: "t-panel" }, detail.el)),
    panel("Activation memory", [memoryMessage(data, memory.profile)], [plan.toggle], plan.el, memoryFoot(data)),
  );
  goto(iterationBy(data, "median"));

  const off = store.on(["selection"], (state, source) => {
    if (source === "model") return;
    model.set("selection", [...state.selection]);
    model.save_changes();
  });
  return {
    select: (ids) => store.set({ selection: ids.filter((i) => i >= 0 && i < data.layers.length) }, "model"),
    key: time.key,
    recolour: () => { time.recolour(); memory.recolour(); },
    dispose() { off(); parts.forEach((part) => part.dispose()); },
  };
}

/** A framed view; its one message may be cut off, so pointing at it tells all, and what it rests on. */
function panel(title, [message, more], tools, ...body) {
  const head = h("header", { class: "t-panel-head" }, h("h2", {}, title), h("p", { title: more ? `${message}. ${more}` : message }, message), h("div", { class: "t-tools" }, tools));
  return h("section", { class: "t-panel", "aria-label": title }, head, body);
}

/** A picture that can be read as a table instead; the table is made when it is first asked for. */
function withTwin(picture, makeTable, parts) {
  const el = h("div", { class: "t-twin" }, picture);
  let table = null;
  const { el: toggle } = segmented("Show as", [["chart", "Chart"], ["table", "Table"]], "chart", (way) => {
    if (way === "table" && !table) {
      table = makeTable();
      parts.push(table);
      el.append(h("div", { class: "t-twin-table" }, table.el));
    }
    el.classList.toggle("is-table", way === "table");
  });
  return { el, toggle };
}

/** Buttons that walk through the inferences, and shortcuts to the telling ones. */
function iterationStepper(data, store, goto) {
  const label = h("output", { class: "t-num t-step" });
  const step = (by) => () => goto(Math.max(0, Math.min(data.iterations.length - 1, store.get().iteration + by)));
  const show = () => {
    const it = data.iterations[store.get().iteration];
    fillWith(label, it ? `Inference ${it.id} · ${timeNs(it.end - it.start)}` : `All ${data.iterations.length} inferences`);
  };
  store.on(["iteration"], show);
  show();
  return h("div", { class: "t-tools", role: "group", "aria-label": "Choose an inference" },
    button("Median", "Show the inference of median length", () => goto(iterationBy(data, "median"))),
    button("Slowest", "Show the slowest inference", () => goto(iterationBy(data, "slowest"))),
    button("All", "Show the whole recording (Home)", () => goto(-1)),
    h("div", { class: "t-stepper" }, button("‹", "Previous inference ([)", step(-1)), label, button("›", "Next inference (])", step(1))));
}

/** Colours by type, or by the room that the roofline leaves, whose legend stands in a free corner of the timeline. */
function colourChoice(data, store, corner) {
  const scale = h("span", { class: "t-heat", hidden: true, title: "Share of the time that the device's measured peaks would save" },
    "0", [0, 1, 2, 3, 4].map((step) => h("i", { style: { background: `var(--t-heat-${step})` } })), "100 %");
  const { el } = segmented("Colour by", [["type", "Type"], ["headroom", "Headroom"]], "type", (colourBy) => {
    scale.hidden = colourBy === "type";
    store.set({ colourBy });
  });
  const why = noHeadroom(data);
  Object.assign(el.lastElementChild, { disabled: why !== "", title: why && `No layer shows its headroom. ${why}` });
  corner.append(scale);
  return el;
}

/** Which run a view's times come from, and why it matters; nothing before anything was timed. */
function runs({ runs: words, layers }, which) {
  if (!layers.some((layer) => layer.time !== null)) return "";
  return `${words[which][0].toUpperCase()}${words[which].slice(1)}. ${words.why}`;
}

/** A sentence that is shown whole, however many lines it takes; nothing without one. */
const note = (sentence) => sentence !== "" && h("p", { class: "t-note" }, sentence);

const hasTime = (data) => data.slices.start.length > 0 || data.traces.length > 0;

/** The timeline's place before anything ran: the same height, and what to do. */
function notMeasured(el) {
  return { el: h("div", { class: "t-placeholder is-empty t-short" }, h("strong", {}, "Not measured yet"), h("p", {}, "Run the engine with layer profiling to record a timeline."), h("div", { hidden: true }, el)) };
}

function timeMessage(data) {
  const lengths = data.iterations.map((it) => it.end - it.start).sort((a, b) => a - b);
  if (!lengths.length) return "";
  const median = lengths[Math.floor((lengths.length - 1) / 2)];
  const reasons = [...new Set(data.throttling.map((t) => t[2]))];
  const otherwise = data.clocks === "good" ? "clocks were not held back" : "throttling is not observable";
  const drawn = data.profiled ? `${whole(lengths.length)} of ${whole(data.profiled)} profiled inferences are drawn` : `profiled run: ${lengths.length} inferences`;
  return `${drawn}, median ${timeNs(median)}; ${reasons.length ? `throttled: ${reasons.join(", ").toLowerCase()}` : otherwise}`;
}

/** Of how many inferences the times, and the sum below the table, are the medians. */
const medians = ({ profiled }) => (profiled ? `; medians of ${whole(profiled)} profiled inferences` : "");

function layerMessage(data) {
  const half = data.layers.filter((l) => l.cumulative !== null && l.cumulative - l.share < 0.5).length;
  const all = whole(data.layers.length);
  const peaks = peaksText(data);
  const limit = peaks && data.layers.some((l) => l.attained !== null) ? `; limit: ${peaks}` : "";
  const clock = data.layersClock && data.layers.some((l) => l.time !== null) ? `; ${data.layersClock}` : "";
  return (half ? `${half} of ${all} take half of the time` : `${all} in order of execution`) + medians(data) + clock + limit;
}

function memoryMessage(data, profile) {
  const { memory } = data;
  if (!memory.allocations.length) return "no activations are planned";
  const saved = memory.arena ? memory.unshared / memory.arena : 1;
  return `${bytes(memory.arena)}, most in use at ${shortName(data.layers[profile.peak]?.name ?? "–", 48)}; ${saved > 1.05 ? `${saved.toFixed(1)}× less than without reuse` : "nothing could be reused"}`;
}

function memoryFoot({ memory }) {
  const parts = [["Arena", memory.arena], ["Without reuse", memory.unshared], ["Weights", memory.weights], ["Workspace in the arena", memory.workspace], ["The run's inputs and outputs", memory.io]];
  const known = parts.filter(([, size]) => size !== null);
  return h("footer", { class: "t-foot" }, known.map(([name, value]) => h("span", {}, `${name} `, h("b", {}, bytes(value)))));
}

function missing(data) {
  const names = Object.entries(data.missing);
  return names.length > 0 && h("footer", { class: "t-foot" }, "Not available: ", names.map(([name, why]) => h("span", {}, `${name} (${why})`)));
}

export default { render };
