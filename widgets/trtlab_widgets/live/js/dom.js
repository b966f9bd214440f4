// Small helpers that make elements; nothing here knows what is being drawn.

/** An element: `h("button", { class: "x", onclick: f, "aria-label": "y" }, "text", child)`. */
export function h(tag, props = {}, ...children) {
  return fill(document.createElement(tag), props, children);
}

/** The same in the SVG name space. */
export function s(tag, props = {}, ...children) {
  return fill(document.createElementNS("http://www.w3.org/2000/svg", tag), props, children);
}

function fill(el, props, children) {
  for (const [key, value] of Object.entries(props)) {
    if (value === null || value === undefined || value === false) continue;
    if (key.startsWith("on")) el.addEventListener(key.slice(2), value);
    else if (key === "style" && typeof value === "object") setStyle(el, value);
    else el.setAttribute(key, value === true ? "" : value);
  }
  append(el, children);
  return el;
}

function setStyle(el, style) {
  for (const [name, value] of Object.entries(style)) el.style.setProperty(name, value);
}

function append(el, children) {
  for (const child of children.flat(Infinity)) {
    if (child === null || child === undefined || child === false) continue;
    el.append(child instanceof Node ? child : document.createTextNode(String(child)));
  }
}

/** Replace everything inside an element. */
export function fillWith(el, ...children) {
  el.replaceChildren();
  append(el, children);
}

/** A push button with an accessible name. */
export function button(text, label, onclick, extra = {}) {
  return h("button", { type: "button", class: "t-button", title: label, "aria-label": label, onclick, ...extra }, text);
}

/** A choice of a few: one button each, one of them pressed. `set(value)` changes it from outside. */
export function segmented(label, choices, initial, onchange) {
  const buttons = choices.map(([value, text]) =>
    h("button", { type: "button", class: "t-segment", onclick: () => { set(value); onchange(value); } }, text));
  const el = h("div", { class: "t-segmented", role: "group", "aria-label": label }, buttons);
  function set(value) {
    buttons.forEach((b, i) => b.setAttribute("aria-pressed", String(choices[i][0] === value)));
  }
  set(initial);
  return { el, set };
}

let ids = 0;
/** A name that no other element of the page has. */
export const uniqueId = (prefix) => `${prefix}-${(ids += 1)}-${Math.floor(Math.random() * 1e9).toString(36)}`;

/** Run at most once a frame, however often it is asked for; `cancel` drops a pending run. */
export function onFrame(draw) {
  let pending = 0;
  const run = () => { pending = 0; draw(); };
  const ask = () => { if (!pending) pending = requestAnimationFrame(run); };
  ask.cancel = () => { cancelAnimationFrame(pending); pending = 0; };
  return ask;
}

/** Offer text as a file. */
export function download(name, text, type) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  const link = h("a", { href: url, download: name });
  document.body.append(link);
  link.click();
  link.remove();
  setTimeout(() => URL.revokeObjectURL(url), 1000);
}
