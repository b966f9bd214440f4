// Sensor readings as they arrive: one small strip a metric, all on one moving time axis.
//
// Samples come as custom messages with two binary buffers (times, values); nothing is sent or drawn
// while nobody looks.

import { createCanvas } from "./canvas.js";
import { fillWith, h } from "./dom.js";
import { reading, shortLabel } from "./format.js";
import { keepKeys } from "./keys.js";
import { canvasColours, followTheme } from "./theme.js";

const HEIGHT = 34;
const KEEP = 4096; // samples a metric; older ones are dropped

/** Samples in order of time that forget the oldest; `append` takes parallel arrays. */
export function createSeries(keep = KEEP) {
  let times = [];
  let values = [];
  return {
    append(newTimes, newValues) {
      times.push(...newTimes);
      values.push(...newValues);
      if (times.length > keep * 1.25) { times = times.slice(-keep); values = values.slice(-keep); }
    },
    get times() { return times; },
    get values() { return values; },
  };
}

function createStrip(root, metric) {
  const value = h("output", { class: "t-strip-value" });
  const stage = h("div", { class: "t-strip-stage" });
  const el = h("div", { class: "t-strip", role: "listitem", title: `${metric.label} (${metric.metric})` },
    h("div", { class: "t-strip-head" }, h("span", { class: "t-clip" }, shortLabel(metric.label)), value), stage);
  const series = createSeries();
  let colours = null; // resolved when painting: before, the element may not be in the page
  let windowNs = 3e10;
  let now = 0;
  const canvas = createCanvas(stage, HEIGHT, draw, () => {});

  function draw(ctx, width, height) {
    colours ??= canvasColours(root, []);
    const [low, high] = scale();
    const x = (t) => width - ((now - t) / windowNs) * width;
    const y = (v) => height - 3 - ((v - low) / (high - low)) * (height - 6);
    if (metric.limit !== null && metric.limit <= high) {
      ctx.fillStyle = colours.bad;
      ctx.globalAlpha = 0.6;
      ctx.fillRect(0, Math.round(y(metric.limit)), width, 1);
      ctx.globalAlpha = 1;
    }
    const { times, values } = series;
    let first = times.length;
    while (first > 0 && times[first - 1] >= now - windowNs) first -= 1;
    first = Math.max(0, first - 1);
    if (first >= times.length) return;
    ctx.strokeStyle = colours.accent;
    ctx.lineWidth = 1.25;
    ctx.beginPath();
    for (let i = first; i < times.length; i += 1) ctx.lineTo(x(times[i]), y(values[i]));
    ctx.stroke();
    ctx.lineTo(x(times[times.length - 1]), height);
    ctx.lineTo(x(times[first]), height);
    ctx.fillStyle = colours.accent;
    ctx.globalAlpha = 0.09;
    ctx.fill();
    ctx.globalAlpha = 1;
  }

  function scale() {
    if (metric.unit === "%") return [0, 100];
    let low = Infinity;
    let high = -Infinity;
    for (const v of series.values) { low = Math.min(low, v); high = Math.max(high, v); }
    if (metric.limit !== null && metric.limit < high * 1.4) high = Math.max(high, metric.limit);
    const pad = (high - low || Math.abs(high) || 1) * 0.15;
    return low <= high ? [low - pad, high + pad] : [0, 1];
  }

  return {
    el,
    label: shortLabel(metric.label),
    append: (times, values) => series.append(times, values),
    show(time, seconds, gone) {
      now = time;
      windowNs = seconds * 1e9;
      fillWith(value, reading(gone ? null : series.values[series.values.length - 1], metric.unit));
      canvas.redraw();
    },
    latest: () => series.times[series.times.length - 1] ?? 0,
    recolour() { colours = null; canvas.redraw(); },
    dispose: canvas.dispose,
  };
}

function render({ model, el }) {
  const list = h("div", { class: "t-strips", role: "list", "aria-label": "Sensors" });
  const note = h("p", { class: "t-strip-note", role: "status" });
  const root = h("div", { class: "trtl trtl-monitor" }, list, note);
  keepKeys(root);
  el.append(root);
  const strips = new Map();
  let onScreen = false;

  function message(content, buffers) {
    if (content.kind !== "samples") return;
    if (content.reset) clear();
    const [allTimes, allValues] = [typed(Float64Array, buffers[0]), typed(Float32Array, buffers[1])];
    let from = 0;
    for (const metric of content.metrics) {
      const strip = strips.get(metric.metric) ?? addStrip(metric);
      strip.append(allTimes.subarray(from, from + metric.count), allValues.subarray(from, from + metric.count));
      from += metric.count;
    }
    show();
  }

  function addStrip(metric) {
    const strip = createStrip(root, metric);
    strips.set(metric.metric, strip);
    list.append(strip.el);
    return strip;
  }

  function clear() {
    for (const strip of strips.values()) strip.dispose();
    strips.clear();
    list.replaceChildren();
  }

  function show() {
    const now = Math.max(0, ...[...strips.values()].map((strip) => strip.latest()));
    const missing = model.get("missing") ?? {};
    for (const [name, strip] of strips) strip.show(now, model.get("window_s"), name in missing);
    tell();
  }

  function tell() {
    const missing = Object.entries(model.get("missing") ?? {});
    const gone = missing.length ? `Not available: ${missing.map(([name, why]) => `${strips.get(name)?.label ?? name} (${why})`).join(", ")}` : "";
    fillWith(note, strips.size ? gone : model.get("message") || "Waiting for the first sample …");
  }

  function seen() {
    const visible = onScreen && !document.hidden;
    if (visible === model.get("visible")) return;
    model.set("visible", visible);
    model.save_changes();
  }

  const observer = new IntersectionObserver((entries) => { onScreen = entries.some((e) => e.isIntersecting); seen(); });
  observer.observe(root);
  document.addEventListener("visibilitychange", seen);
  model.on("msg:custom", message);
  model.on("change:missing", show);
  model.on("change:message", tell);
  const unfollow = followTheme(root, () => strips.forEach((strip) => strip.recolour()));
  tell();
  model.send({ kind: "ready" });
  return () => {
    model.off("msg:custom", message);
    model.off("change:missing", show);
    model.off("change:message", tell);
    document.removeEventListener("visibilitychange", seen);
    observer.disconnect();
    unfollow();
    clear();
  };
}

/** A buffer of the message as numbers; it may lie at any address. */
function typed(Type, view) {
  const start = view.byteOffset ?? 0;
  return new Type((view.buffer ?? view).slice(start, start + view.byteLength));
}

export default { render };
