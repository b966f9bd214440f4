// A pair of canvases that follow their element's size: one for the picture, one for what hovers.

import { h, onFrame } from "./dom.js";
import { placeIn } from "./pointer.js";

/**
 * @param {HTMLElement} host positioned element; its width is watched, its height is given
 * @param {number} height in CSS pixels; `setHeight` changes it
 * @param drawBase, drawOver (context, width, height) → void
 */
export function createCanvas(host, height, drawBase, drawOver) {
  const layers = [drawBase, drawOver].map((draw) => {
    const el = h("canvas", { class: "t-canvas", "aria-hidden": "true" });
    host.append(el);
    return { el, ctx: el.getContext("2d"), paint: onFrame(() => paint(el, draw)) };
  });
  host.style.height = `${height}px`;
  let width = host.clientWidth; // known from the observer afterwards, as asking costs a layout

  function paint(el, draw) {
    if (!width) return;
    const ratio = Math.min((window.devicePixelRatio || 1) * (el.currentCSSZoom ?? 1), 3); // sharp when zoomed
    const [w, t] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (el.width !== w || el.height !== t) { el.width = w; el.height = t; }
    const ctx = el.getContext("2d");
    ctx.setTransform(ratio, 0, 0, ratio, 0, 0);
    ctx.clearRect(0, 0, width, height);
    ctx.textBaseline = "middle";
    draw(ctx, width, height);
  }

  const all = () => layers.forEach((layer) => layer.paint());
  const observer = new ResizeObserver((entries) => { width = entries[0].contentRect.width; all(); });
  observer.observe(host);
  return {
    redraw: all,
    setHeight(pixels) { height = pixels; host.style.height = `${height}px`; all(); },
    redrawBase: layers[0].paint,
    redrawOver: layers[1].paint,
    dispose() { observer.disconnect(); layers.forEach((layer) => layer.paint.cancel()); },
  };
}

/** A text, cut off with an ellipsis where it exceeds the room; empty when hardly a letter would stay. */
export function fitText(ctx, text, room) {
  const width = ctx.measureText(text).width;
  if (width <= room) return text;
  let keep = Math.floor((text.length * room) / width);
  while (keep > 1 && ctx.measureText(`${text.slice(0, keep)}…`).width > room) keep -= 1;
  return keep < 3 ? "" : `${text.slice(0, keep)}…`;
}

/** A tooltip inside `root` that stays within it. `show(event, children)` puts it beside the pointer. */
export function createTip(root) {
  const el = h("div", { class: "t-tip", role: "tooltip", hidden: true });
  root.append(el);
  return {
    show(event, ...children) {
      el.replaceChildren(...children);
      el.hidden = false;
      const [x, y] = placeIn(root, event);
      const left = Math.max(6, Math.min(x + 14, root.offsetWidth - el.offsetWidth - 6));
      const fits = y + 16 + el.offsetHeight < root.offsetHeight;
      el.style.transform = `translate(${left}px, ${fits ? y + 16 : y - el.offsetHeight - 12}px)`;
    },
    hide() { el.hidden = true; },
  };
}

/** A tooltip's lines: a heading with a swatch, then pairs. */
export function tipBody(family, heading, pairs) {
  const head = h("div", { class: "t-tip-head" }, family && h("span", { class: "t-swatch", style: { "--c": `var(--t-${family})` } }), heading);
  const list = h("dl", {}, pairs.filter(([, value]) => value !== null).map(([key, value]) => [h("dt", {}, key), h("dd", {}, value)]));
  return [head, list];
}
