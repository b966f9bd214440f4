// Streams, layers, query latencies and sensors on one time axis.

import { createCanvas, tipBody } from "./canvas.js";
import { h } from "./dom.js";
import { percent, precisionText, timeNs } from "./format.js";
import { createFold, foldTracks } from "./fold.js";
import { createGutter, placeTracks, spanText, valueText } from "./gutter.js";
import { isPlain } from "./keys.js";
import { sliceName } from "./payload.js";
import { drawSlices, firstInView, firstOf, neighbour, sliceAt, sliceTracks } from "./slice_track.js";
import { canvasColours } from "./theme.js";
import { drawMinimap, drawRuler, drawThrottling, MINIMAP, nameThrottling, RULER } from "./time_axis.js";
import { drawTrace, traceTracks } from "./trace_track.js";
import { drawWaits, waitAt } from "./waits.js";
import { attachZoom, clampRange, zoomKey } from "./zoom.js";

/**
 * @param root the explorer's element, for colours; @param tip a tooltip from createTip
 * @param goto(position) show the iteration at a position in data.iterations
 */
export function createTimeView(root, data, store, tip, goto) {
  const slices = sliceTracks(data);
  const traces = traceTracks(data);
  const { shown, details, unchanged } = foldTracks(traces);
  const folding = [...details, ...unchanged];
  const places = placeTracks(slices, shown, folding);
  let tracks = [...slices, ...shown];
  let height = places.fold; // of what is drawn: the fold's line is no part of the picture
  const limits = padded(data.range);
  const gutter = createGutter(tracks, folding);
  const stage = h("div", {
    class: "t-stage", tabindex: "0", role: "application", "aria-roledescription": "timeline", "aria-label": describe(data),
    "aria-keyshortcuts": "W S A D ArrowLeft ArrowRight BracketLeft BracketRight F Home Escape",
  });
  const hint = h("div", { class: "t-stage-hint" }, "Click here or hold Ctrl, then scroll to zoom");
  stage.append(hint);
  let colours = null; // resolved when painting: before, the element may not be in the page
  let marked = new Uint8Array(0);
  let brush = null;
  let over = { track: null, slice: -1, time: null };
  let focused = -1; // the slice that the arrow keys start from

  const canvas = createCanvas(stage, places.folded, drawBase, drawOver);
  const fold = createFold(details, unchanged, places.fold, gutter.rest.id, (folded) => {
    tracks = [...slices, ...shown, ...(folded ? [] : folding)];
    height = folded ? places.fold : places.open;
    gutter.rest.hidden = folded;
    canvas.setHeight(folded ? places.folded : places.open);
  });
  const frameOf = (width, track) => {
    const [from, to] = store.get().range;
    return { from, to, width, y: track?.y ?? 0, height: track?.height ?? height };
  };

  function drawBase(ctx, width) {
    colours ??= canvasColours(root, data.families);
    ctx.font = `11px ${colours.font}`;
    const frame = frameOf(width);
    drawRuler(ctx, frame, origin(), height, colours);
    drawThrottling(ctx, data, frame, height, colours);
    const look = { colours, marked, by: store.get().colourBy };
    for (const track of tracks) {
      const own = frameOf(width, track);
      if (track.kind === "trace") drawTrace(ctx, track, own, colours);
      else {
        const busy = drawSlices(ctx, data, track, own, look);
        drawWaits(ctx, data, track, own, colours);
        if (track.kind === "stream") gutter.set(track, percent(busy));
      }
      ctx.fillStyle = colours.line;
      ctx.fillRect(0, track.y + track.height, width, 1);
    }
    nameThrottling(ctx, data, frame, height, colours);
    drawMinimap(ctx, data, frame, limits, colours);
    if (over.time === null) restReadings();
  }

  /** Times on the ruler count from the start of the chosen iteration. */
  function origin() {
    const it = data.iterations[store.get().iteration];
    return it ? it.start : data.range[0];
  }

  function restReadings() {
    for (const track of traces) gutter.set(track, spanText(track));
  }

  function drawOver(ctx, width) {
    const frame = frameOf(width);
    const x = (time) => ((time - frame.from) / (frame.to - frame.from)) * width;
    colours ??= canvasColours(root, data.families);
    ctx.font = `11px ${colours.font}`;
    if (brush) {
      ctx.fillStyle = colours.accent;
      ctx.globalAlpha = 0.18;
      ctx.fillRect(brush[0], MINIMAP, brush[1] - brush[0], height - MINIMAP);
      ctx.globalAlpha = 1;
      const label = timeNs(((brush[1] - brush[0]) / width) * (frame.to - frame.from));
      ctx.fillStyle = colours.fg;
      ctx.fillText(label, Math.min(brush[0] + 4, width - ctx.measureText(label).width - 4), MINIMAP + RULER / 2);
    }
    outline(ctx, store.get().hover, x, frame);
    if (over.time === null) return;
    const at = Math.round(x(over.time)) + 0.5;
    ctx.strokeStyle = colours.fg2;
    ctx.globalAlpha = 0.6;
    ctx.beginPath();
    ctx.moveTo(at, MINIMAP);
    ctx.lineTo(at, height);
    ctx.stroke();
    ctx.globalAlpha = 1;
  }

  /** Frame the visible bars of the layer under the pointer, wherever the pointer is. */
  function outline(ctx, layer, x, frame) {
    if (layer < 0) return;
    ctx.strokeStyle = colours.fg;
    ctx.lineWidth = 1.5;
    for (const track of slices.filter((t) => t.kind === "stream")) {
      let drawn = 0;
      for (const i of track.order) {
        if (data.slices.layer[i] !== layer) continue;
        const [left, right] = [x(data.slices.start[i]), x(data.slices.start[i] + data.slices.duration[i])];
        if (right < 0 || left > frame.width || (drawn += 1) > 200) continue;
        ctx.strokeRect(left, track.y + 1, Math.max(1.5, right - left), track.height - 2);
      }
    }
  }

  const view = {
    range: () => store.get().range,
    limits: () => limits,
    move: (range) => store.set({ range }, "time"),
    grab: (y) => (y < MINIMAP ? "minimap" : null),
    brush: (pixels) => { brush = pixels; canvas.redrawOver(); },
    hint: () => { hint.classList.remove("is-shown"); void hint.offsetWidth; hint.classList.add("is-shown"); },
    click,
    hover,
  };
  attachZoom(stage, view);

  function hit(x, y) {
    const track = tracks.find((t) => y >= t.y && y < t.y + t.height) ?? null;
    const [from, to] = store.get().range;
    const perPixel = (to - from) / stage.clientWidth;
    const time = from + x * perPixel;
    const slice = track && track.kind !== "trace" ? sliceAt(data, track, time, 3 * perPixel) : -1;
    return { track, time, slice, x, y };
  }

  function click(x, y, event) {
    const { track, slice, time } = hit(x, y);
    if (track?.key === "latency") return showQuery(time);
    if (slice < 0) return undefined;
    if (track.kind === "inference") return goto(data.iterations.findIndex((it) => it.id === data.slices.iteration[slice]));
    return select(slice, event.ctrlKey || event.metaKey || event.shiftKey);
  }

  /** The profiled inference at a time, or else the query that began nearest to it. */
  function showQuery(time) {
    const profiled = data.iterations.findIndex((it) => time >= it.start && time <= it.end);
    if (profiled >= 0) return goto(profiled);
    const { start, ms } = data.queries;
    let best = 0;
    for (let i = 1; i < start.length; i += 1) if (Math.abs(start[i] - time) < Math.abs(start[best] - time)) best = i;
    const length = ms[best] * 1e6;
    return store.set({ iteration: -1, range: clampRange([start[best] - length, start[best] + 2 * length], limits) }, "time");
  }

  function select(slice, add) {
    const layer = data.slices.layer[slice];
    if (layer < 0) return;
    focused = slice;
    const { selection } = store.get();
    store.set({ selection: add ? [...selection.filter((i) => i !== layer), layer] : [layer] }, "time");
  }

  function hover(x, y, event) {
    over = x === null || y < MINIMAP ? { track: null, slice: -1, time: null } : hit(x, y);
    const layer = over.slice >= 0 ? data.slices.layer[over.slice] : -1;
    store.set({ hover: layer }, "time");
    stage.classList.toggle("is-hit", over.slice >= 0);
    if (over.time === null) { tip.hide(); restReadings(); } else {
      for (const track of traces) gutter.set(track, valueText(track, over.time, store.get().range));
      const wait = over.slice < 0 && waitAt(data, over.track, over.time);
      if (over.slice >= 0) showTip(event);
      else if (wait) tip.show(event, ...tipBody(null, data.waitName, [["Duration", timeNs(wait[2] - wait[1])]]));
      else tip.hide();
    }
    canvas.redrawOver();
  }

  function showTip(event) {
    const i = over.slice;
    const layer = data.layers[data.slices.layer[i]];
    const began = data.slices.start[i] - (data.iterations.find((it) => it.id === data.slices.iteration[i])?.start ?? 0);
    tip.show(event, ...tipBody(layer && data.families[layer.family].key, sliceName(data, i), [
      ["Duration", timeNs(data.slices.duration[i])],
      ["Began", `${timeNs(began)} into inference ${data.slices.iteration[i]}`],
      ["Median", layer ? `${timeNs((layer.time ?? NaN) * 1e3)} · ${percent(layer.share)}` : null],
      ["Layer", layer ? `${layer.label} · ${precisionText(layer)}` : null],
    ]));
  }

  stage.addEventListener("keydown", (event) => {
    if (!isPlain(event)) return;
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (step) stepSelection(step);
    else if (event.key === "Escape" && store.get().selection.length) store.set({ selection: [] }, "key");
    else if (event.key === "Home") goto(-1);
    else if (!key(event.key)) return;
    event.preventDefault();
    event.stopPropagation();
  });

  /** What a letter does wherever in the explorer the focus is; says whether it did something. */
  function key(name) {
    const turn = { "]": 1, "[": -1 }[name];
    if (turn) goto(Math.max(0, store.get().iteration + turn));
    else if (name.toLowerCase() === "f") fitSelection();
    else return zoomKey(name, view);
    return true;
  }

  function stepSelection(step) {
    const { selection, range } = store.get();
    const current = focused >= 0 ? focused : firstSlice(selection[0] ?? -1);
    if (current < 0) return begin(firstInView(data, slices, range));
    const track = slices.find((t) => t.kind === "stream" && t.order.includes(current));
    let next = neighbour(data, track, current, step);
    while (next >= 0 && data.slices.layer[next] < 0) next = neighbour(data, track, next, step);
    begin(next);
  }

  function begin(slice) {
    if (slice < 0) return;
    select(slice, false);
    reveal(slice);
  }

  const firstSlice = (layer) =>
    firstOf(data, slices, layer, { chosen: data.iterations[store.get().iteration]?.id, range: store.get().range });

  function reveal(i) {
    const [from, to] = store.get().range;
    const middle = data.slices.start[i] + data.slices.duration[i] / 2;
    if (middle >= from && middle <= to) return;
    view.move(clampRange([middle - (to - from) / 2, middle + (to - from) / 2], limits));
  }

  function fitSelection() {
    const i = firstSlice(store.get().selection[0] ?? -1);
    if (i < 0) return goto(store.get().iteration);
    const [start, length] = [data.slices.start[i], data.slices.duration[i]];
    return view.move(clampRange([start - length * 2, start + length * 3], limits));
  }

  function mark() {
    const { selection } = store.get();
    marked = new Uint8Array(selection.length ? data.layers.length : 0);
    for (const i of selection) marked[i] = 1;
  }

  mark();
  const off = [
    store.on(["range", "iteration", "colourBy"], () => canvas.redraw()),
    store.on(["hover"], () => canvas.redrawOver()),
    store.on(["selection"], (state, source) => {
      mark();
      if (!state.selection.length) focused = -1;
      else if (source !== "time") {
        focused = firstSlice(state.selection[state.selection.length - 1]);
        if (focused >= 0) reveal(focused);
      }
      canvas.redrawBase();
    }),
  ];
  return {
    el: h("div", { class: "t-time" }, gutter.el, stage, fold),
    limits,
    key,
    recolour() { colours = null; canvas.redraw(); },
    dispose() { off.forEach((f) => f()); canvas.dispose(); },
  };
}

function padded([from, to]) {
  const pad = (to - from) * 0.01;
  return [from - pad, to + pad];
}

function describe(data) {
  const streams = new Set(data.slices.stream).size;
  const throttled = data.throttling.length ? `, throttled ${data.throttling.length} times` : "";
  return `Timeline of ${data.iterations.length} inferences on ${streams} streams${throttled}. W and S zoom, A and D pan, arrow keys walk the layers, brackets change the inference.`;
}
