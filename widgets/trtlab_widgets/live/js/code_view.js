// Python code with a button that copies it.

import { button, h } from "./dom.js";
import { keepKeys } from "./keys.js";
import { followTheme } from "./theme.js";

const TOKENS = /("(?:[^"\\]|\\.)*"|'(?:[^'\\]|\\.)*')|(#.*)|\b(import|from|as|None|True|False)\b|\b(\d[\d_.]*)\b/g;
const KINDS = ["string", "comment", "keyword", "number"];

/** The code as text and coloured spans; nothing of it is read as HTML. */
export function highlighted(code) {
  const parts = [];
  let from = 0;
  for (const match of code.matchAll(TOKENS)) {
    const kind = KINDS[match.slice(1).findIndex((group) => group !== undefined)];
    parts.push(code.slice(from, match.index), h("span", { class: `t-code-${kind}` }, match[0]));
    from = match.index + match[0].length;
  }
  return [...parts, code.slice(from)];
}

/** Works where the page may not write to the clipboard, too: over plain HTTP, or in a frame. */
async function copy(text, fallback) {
  try {
    await navigator.clipboard.writeText(text);
    return true;
  } catch {
    const range = document.createRange();
    range.selectNodeContents(fallback);
    const selection = window.getSelection();
    selection.removeAllRanges();
    selection.addRange(range);
    return document.execCommand("copy");
  }
}

function render({ model, el }) {
  const code = h("code", {});
  const pre = h("pre", { class: "t-code", tabindex: "0", "aria-label": "Python code" }, code);
  const press = button("Copy", "Copy the code", async () => {
    const done = await copy(model.get("code"), code);
    press.textContent = done ? "Copied" : "Press Ctrl+C";
    setTimeout(() => { press.textContent = "Copy"; }, 1500);
  });
  const root = h("div", { class: "trtl trtl-code" }, press, pre);
  el.append(root);
  const show = () => code.replaceChildren(...highlighted(model.get("code")));
  model.on("change:code", show);
  const unfollow = followTheme(root, () => {});
  keepKeys(root);
  show();
  return () => { model.off("change:code", show); unfollow(); };
}

export default { render };
