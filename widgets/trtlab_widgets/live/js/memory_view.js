// The activation arena: each tensor a rectangle, its lifetime across and its place upwards.

import { createCanvas, tipBody } from "./canvas.js";
import { h } from "./dom.js";
import { bytes, ticks } from "./format.js";
import { placeIn } from "./pointer.js";
import { canvasColours, layerColour } from "./theme.js";

const TOP = 18; // room for the peak's label
const FLOOR = 206; // where offset zero lies
const STRIP = 44; // height of the strip of bytes in use
const STRIP_FLOOR = FLOOR + 8 + STRIP;
const HEIGHT = STRIP_FLOOR + 18; // and room for the steps

/** Bytes in use after each step, and the step at which they peak. */
export function memoryProfile(allocations, steps) {
  const change = new Float64Array(steps + 2);
  for (const [, , size, first, last] of allocations) {
    change[Math.max(0, first)] += size;
    change[Math.min(steps, last + 1)] -= size;
  }
  const live = new Float64Array(steps);
  let sum = 0;
  let peak = 0;
  for (let i = 0; i < steps; i += 1) {
    sum += change[i];
    live[i] = sum;
    if (sum > live[peak]) peak = i;
  }
  return { live, peak };
}

/** Which layer wrote each tensor, and which read it. */
export function tensorUses(layers) {
  const writer = new Map();
  const readers = new Map();
  for (const layer of layers) {
    for (const tensor of layer.outputs) writer.set(tensor.name, layer.index);
    for (const tensor of layer.inputs) readers.set(tensor.name, [...(readers.get(tensor.name) ?? []), layer.index]);
  }
  return { writer, readers };
}

export function createMemoryView(root, data, store, tip) {
  const { allocations } = data.memory;
  const steps = Math.max(1, data.layers.length);
  const uses = tensorUses(data.layers);
  const profile = memoryProfile(allocations, steps);
  const roof = Math.max(data.memory.arena, ...allocations.map((a) => a[1] + a[2]), 1);
  const owner = (a) => uses.writer.get(a[0]) ?? a[3]; // a workspace is no output of its layer
  let colours = null; // resolved when painting: before, the element may not be in the page
  let over = -1;

  const stage = h("div", {
    class: "t-stage t-memory-stage", tabindex: "0", role: "application", "aria-roledescription": "memory plan",
    "aria-label": `Activation memory of ${allocations.length} tensors over ${steps} layers; peak ${bytes(profile.live[profile.peak])} at layer #${profile.peak}. Arrow keys walk the layers.`,
  });
  const axis = h("div", { class: "t-gutter t-memory-gutter", "aria-hidden": "true" },
    [0, 0.5, 1].map((part) => h("span", { style: { top: `${yOf(part * roof)}px` } }, bytes(part * roof))),
    h("span", { style: { top: `${STRIP_FLOOR - STRIP / 2}px` } }, "in use"));
  const canvas = createCanvas(stage, HEIGHT, drawBase, drawOver);

  function yOf(offset) { return FLOOR - (offset / roof) * (FLOOR - TOP); }
  const xOf = (step, width) => (step / steps) * width;
  function boxOf([, offset, size, first, last], width) {
    const left = xOf(Math.max(0, first), width);
    const right = xOf(Math.min(steps, last + 1), width);
    return [left, yOf(offset + size), Math.max(1, right - left), Math.max(1, yOf(offset) - yOf(offset + size))];
  }

  function drawBase(ctx, width) {
    colours ??= canvasColours(root, data.families);
    ctx.font = `11px ${colours.font}`;
    const { selection } = store.get();
    drawFrame(ctx, width, selection);
    const chosen = new Set(selection);
    for (const allocation of allocations) drawBlock(ctx, allocation, width, chosen);
    drawLive(ctx, width);
    drawPeak(ctx, width);
  }

  function drawFrame(ctx, width, selection) {
    ctx.fillStyle = colours.line;
    for (const part of [0, 0.5, 1]) ctx.fillRect(0, Math.round(yOf(part * roof)), width, 1);
    ctx.fillStyle = colours.fg2;
    for (const step of ticks(0, steps, width / 90).values) {
      if (step % 1 === 0 && step < steps) ctx.fillText(String(step), xOf(step, width) + 2, STRIP_FLOOR + 9);
    }
    ctx.fillStyle = colours.accent;
    ctx.globalAlpha = 0.14;
    for (const step of selection) ctx.fillRect(xOf(step, width), TOP, Math.max(1.5, width / steps), STRIP_FLOOR - TOP);
    ctx.globalAlpha = 1;
  }

  function drawBlock(ctx, allocation, width, chosen) {
    const [x, y, w, t] = boxOf(allocation, width);
    const from = owner(allocation);
    const written = chosen.has(from);
    const read = (uses.readers.get(allocation[0]) ?? []).some((i) => chosen.has(i));
    const strength = uses.writer.has(allocation[0]) || from < 0 ? 1 : 0.55; // workspaces are paler
    ctx.globalAlpha = strength * (chosen.size === 0 || written ? 0.92 : read ? 0.6 : 0.22);
    ctx.fillStyle = from >= 0 ? layerColour(colours, data.layers[from], store.get().colourBy).fill : colours.fg3;
    const gap = w > 3 ? 0.75 : 0;
    ctx.fillRect(x, y, w - gap, Math.max(1, t - (t > 3 ? 0.75 : 0)));
    ctx.globalAlpha = 1;
    if (written || read) {
      ctx.strokeStyle = colours.fg;
      ctx.lineWidth = written ? 1.5 : 1;
      if (!written) ctx.setLineDash([3, 2]);
      ctx.strokeRect(x + 0.75, y + 0.75, Math.max(1, w - 1.5 - gap), Math.max(1, t - 1.5));
      ctx.setLineDash([]);
    }
  }

  /** Bytes in use at each step, as a stair below the plan. */
  function drawLive(ctx, width) {
    const most = profile.live[profile.peak] || 1;
    ctx.fillStyle = colours.accent;
    ctx.globalAlpha = 0.4;
    ctx.beginPath();
    ctx.moveTo(0, STRIP_FLOOR);
    for (let i = 0; i < steps; i += 1) {
      const y = STRIP_FLOOR - (profile.live[i] / most) * STRIP;
      ctx.lineTo(xOf(i, width), y);
      ctx.lineTo(xOf(i + 1, width), y);
    }
    ctx.lineTo(width, STRIP_FLOOR);
    ctx.fill();
    ctx.globalAlpha = 1;
    ctx.fillStyle = colours.line;
    ctx.fillRect(0, STRIP_FLOOR, width, 1);
  }

  function drawPeak(ctx, width) {
    if (!allocations.length) return;
    const x = xOf(profile.peak + 0.5, width);
    ctx.strokeStyle = colours.bad;
    ctx.lineWidth = 1;
    ctx.setLineDash([4, 3]);
    ctx.beginPath();
    ctx.moveTo(x, TOP - 2);
    ctx.lineTo(x, STRIP_FLOOR);
    ctx.stroke();
    ctx.setLineDash([]);
    const text = `Most in use: ${bytes(profile.live[profile.peak])} at layer #${profile.peak}`;
    const room = ctx.measureText(text).width;
    ctx.fillStyle = colours.bad;
    ctx.fillText(text, Math.min(Math.max(2, x - room / 2), width - room - 2), TOP / 2);
  }

  function drawOver(ctx, width) {
    const { hover } = store.get();
    colours ??= canvasColours(root, data.families);
    ctx.strokeStyle = colours.fg;
    ctx.lineWidth = 1.5;
    allocations.forEach((allocation, i) => {
      if (i !== over && (hover < 0 || owner(allocation) !== hover)) return;
      const [x, y, w, t] = boxOf(allocation, width);
      ctx.strokeRect(x, y, w, t);
    });
  }

  function hit(event) {
    const [px, py] = placeIn(stage, event);
    for (let i = allocations.length - 1; i >= 0; i -= 1) {
      const [x, y, w, t] = boxOf(allocations[i], stage.clientWidth);
      if (px >= x - 1 && px <= x + Math.max(w, 2) && py >= y && py <= y + t) return i;
    }
    return -1;
  }

  stage.addEventListener("pointermove", (event) => {
    over = hit(event);
    const from = over >= 0 ? owner(allocations[over]) : -1;
    store.set({ hover: from }, "memory");
    if (over >= 0) {
      const [name, offset, size, first, last] = allocations[over];
      tip.show(event, ...tipBody(from >= 0 ? data.families[data.layers[from].family].key : null, name, [
        ["Size", bytes(size)], ["Offset", bytes(offset)],
        [uses.writer.has(name) ? "Written by" : "Used by", from >= 0 ? data.layers[from].name : "input"],
        ["Alive", first === last ? `layer #${first}` : `layers #${Math.max(0, first)} to #${last}`],
      ]));
    } else tip.hide();
    canvas.redrawOver();
  });
  stage.addEventListener("pointerleave", () => { over = -1; tip.hide(); store.set({ hover: -1 }, "memory"); canvas.redrawOver(); });
  stage.addEventListener("click", (event) => {
    const i = hit(event);
    const from = i >= 0 ? owner(allocations[i]) : -1;
    const step = Math.floor((placeIn(stage, event)[0] / stage.clientWidth) * steps);
    store.set({ selection: [from >= 0 ? from : Math.min(steps - 1, Math.max(0, step))] }, "memory");
  });
  stage.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    const at = store.get().selection[0];
    if (event.key === "Escape" && at !== undefined) store.set({ selection: [] }, "memory");
    else if (step) store.set({ selection: [Math.max(0, Math.min(steps - 1, (at ?? profile.peak - step) + step))] }, "memory");
    else return;
    event.preventDefault();
    event.stopPropagation();
  });

  const off = [
    store.on(["selection", "colourBy"], () => canvas.redrawBase()),
    store.on(["hover"], () => canvas.redrawOver()),
  ];
  return {
    el: h("div", { class: "t-time" }, axis, stage),
    profile,
    recolour() { colours = null; canvas.redraw(); },
    dispose() { off.forEach((f) => f()); canvas.dispose(); },
  };
}
