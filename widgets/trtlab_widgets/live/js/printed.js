// A table on paper, where nothing scrolls: all its rows, made when the page is printed.

import { fillWith, h } from "./dom.js";
import { LATE } from "./columns.js";

const SPARE = LATE - 4; // columns that go before this one do not fit beside the others on paper

/** @param columns those of the grid; @param rows() the rows to print, in their order */
export function createPrinted(columns, rows) {
  const shown = columns.filter((c) => !(c.spare < SPARE));
  const align = (column) => (column.align === "end" ? "t-num" : column.cls === "t-mono" ? "t-mono" : null);
  const head = () => h("thead", {}, h("tr", {}, shown.map((c) => h("th", { scope: "col", class: align(c) }, c.title))));
  const body = () => h("tbody", {}, rows().map((row) => h("tr", {}, shown.map((c) => h("td", { class: align(c) }, c.text(row))))));
  const el = h("table", { class: "t-plain t-printed" });
  const media = matchMedia("print");
  const make = () => fillWith(el, head(), body());
  const drop = () => fillWith(el);
  const turn = () => (media.matches ? make() : drop());
  addEventListener("beforeprint", make);
  addEventListener("afterprint", drop);
  media.addEventListener("change", turn);
  return {
    el,
    dispose() {
      removeEventListener("beforeprint", make);
      removeEventListener("afterprint", drop);
      media.removeEventListener("change", turn);
    },
  };
}
