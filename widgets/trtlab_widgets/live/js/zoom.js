// Moving through time: wheel, drag, brush and keys, the same on every time axis.

import { placeIn, zoomOf } from "./pointer.js";

const CLICK_PX = 4;
const MIN_SPAN_NS = 500;

/** A range of a wanted span, moved and clipped so that it stays within the limits. */
export function clampRange([from, to], [lower, upper]) {
  const span = Math.min(Math.max(to - from, MIN_SPAN_NS), upper - lower);
  const start = Math.min(Math.max((from + to - span) / 2, lower), upper - span);
  return [start, start + span];
}

/** The range after zooming about a time; a factor below one shows less. */
export function zoomRange([from, to], about, factor, limits) {
  const span = Math.min(Math.max((to - from) * factor, MIN_SPAN_NS), limits[1] - limits[0]);
  const part = (about - from) / (to - from);
  const start = Math.min(Math.max(about - part * span, limits[0]), limits[1] - span);
  return [start, start + span];
}

/**
 * @param {HTMLElement} stage focusable element whose width is the time axis
 * @param {object} view
 *   range(), limits(): [from, to] in nanoseconds; move(range): show another one
 *   click(x, y, event), hover(x, y, event) or hover(null): what else the pointer does; x and y are the stage's
 *   grab(y): "minimap" when a press there moves the window instead; brush([x0, x1] | null)
 *   hint(): the wheel was used without focus
 */
export function attachZoom(stage, view) {
  const timeAt = (x) => { const [from, to] = view.range(); return from + (x / stage.clientWidth) * (to - from); };
  const local = (event) => placeIn(stage, event);
  let drag = null;

  function wheel(event) {
    const sideways = Math.abs(event.deltaX) > Math.abs(event.deltaY) || event.shiftKey;
    const mine = event.ctrlKey || event.metaKey || document.activeElement === stage;
    if (!sideways && !mine) { view.hint(); return; }
    event.preventDefault();
    const [from, to] = view.range();
    const unit = event.deltaMode === 1 ? 16 : 1; // Firefox counts lines
    if (sideways) {
      const pixels = ((event.deltaX || event.deltaY) * unit) / zoomOf(stage);
      const shift = (pixels / stage.clientWidth) * (to - from);
      view.move(clampRange([from + shift, to + shift], view.limits()));
    } else view.move(zoomRange([from, to], timeAt(local(event)[0]), Math.exp(event.deltaY * unit * 0.0022), view.limits()));
  }

  function down(event) {
    if (event.button !== 0) return;
    const [x, y] = local(event);
    stage.setPointerCapture(event.pointerId);
    drag = { x, y, range: view.range(), kind: view.grab(y) ?? (event.shiftKey ? "brush" : "pan"), moved: false };
    if (drag.kind === "minimap") centre(x);
  }

  function centre(x) {
    const [lower, upper] = view.limits();
    const [from, to] = view.range();
    const middle = lower + (x / stage.clientWidth) * (upper - lower);
    view.move(clampRange([middle - (to - from) / 2, middle + (to - from) / 2], view.limits()));
  }

  function moveTo(event) {
    const [x, y] = local(event);
    if (!drag) { view.hover(x, y, event); return; }
    drag.moved ||= Math.abs(x - drag.x) > CLICK_PX;
    if (drag.kind === "minimap") centre(x);
    else if (drag.moved && drag.kind === "brush") view.brush([Math.min(x, drag.x), Math.max(x, drag.x)]);
    else if (drag.moved) {
      const shift = ((drag.x - x) / stage.clientWidth) * (drag.range[1] - drag.range[0]);
      stage.classList.add("is-panning");
      view.move(clampRange([drag.range[0] + shift, drag.range[1] + shift], view.limits()));
    }
  }

  function up(event) {
    const was = drag;
    drag = null;
    stage.classList.remove("is-panning");
    view.brush(null);
    if (!was || event.type === "pointercancel") return;
    const [x, y] = local(event);
    if (!was.moved && was.kind !== "minimap") view.click(x, y, event);
    else if (was.kind === "brush") view.move(clampRange([timeAt(Math.min(x, was.x)), timeAt(Math.max(x, was.x))], view.limits()));
  }

  stage.addEventListener("wheel", wheel, { passive: false });
  stage.addEventListener("pointerdown", down);
  stage.addEventListener("pointermove", moveTo);
  stage.addEventListener("pointerup", up);
  stage.addEventListener("pointercancel", up);
  stage.addEventListener("pointerleave", () => { if (!drag) view.hover(null); });
}

/** Pan and zoom by keys: A and D, W and S, minus and plus. Says whether the key was one of them. */
export function zoomKey(key, view) {
  const [from, to] = view.range();
  const span = to - from;
  const middle = (from + to) / 2;
  const moves = {
    a: () => clampRange([from - span * 0.2, to - span * 0.2], view.limits()),
    d: () => clampRange([from + span * 0.2, to + span * 0.2], view.limits()),
    w: () => zoomRange([from, to], middle, 0.7, view.limits()),
    s: () => zoomRange([from, to], middle, 1 / 0.7, view.limits()),
  };
  const move = moves[{ "+": "w", "=": "w", "-": "s" }[key] ?? key.toLowerCase()];
  if (move) view.move(move());
  return Boolean(move);
}
