// A table that draws only the rows in view: sorting, selection, keyboard, and the ARIA grid pattern.

import { fitColumns } from "./columns.js";
import { fillWith, h, onFrame, uniqueId } from "./dom.js";
import { fitName, textMeasure } from "./names.js";

const ROW = 26;
const HEAD = 28;
const PADDING = 16; // of a cell, both sides
const SWATCH = 15; // with its gap

/**
 * @param {object} options
 *   label: the table's accessible name
 *   columns: [{ key, title, hint, width, least?, longest?, grow?, spare?, value(row), text(row), draw?(cell, row, fit), tell?(row), align? }];
 *     fitColumns tells of widths, but the title with its arrow and longest, a text, always fit; tell is a
 *     tooltip where it says more than the text; fit(name, taken) is a layer's name as it fits the column beside something
 *     that takes so many pixels
 *   sort: [key, "ascending" | "descending"] to begin with, or null for the given order
 *   onselect(ids), onhover(id | null): what the user did; rows are known by their `id`
 *   onfit(columns): which columns have no room, whenever that changes
 *   empty: what to say when there are no rows
 */
export function createGrid({ label, columns, sort = null, onselect, onhover, onfit, empty = "Nothing to show" }) {
  const prefix = uniqueId("t-row");
  const heads = columns.map((column, i) => headCell(column, i, () => toggleSort(column)));
  const head = h("div", { class: "t-grid-head", role: "row", "aria-rowindex": "1" }, heads);
  const body = h("div", { class: "t-grid-body", role: "rowgroup" });
  const note = h("div", { class: "t-grid-none", hidden: true }, h("p", { class: "t-grid-empty" }, empty));
  const el = h("div", {
    class: "t-grid", role: "grid", tabindex: "0", "aria-label": label,
    "aria-multiselectable": "true", "aria-colcount": columns.length,
  }, h("div", { role: "rowgroup", class: "t-grid-headgroup" }, head), body, note);

  let rows = [];
  let order = [];
  let place = new Map(); // id → position in order
  let selected = new Set();
  let hovered = null;
  let active = -1;
  let anchor = -1;
  const pool = [];
  let widths = columns.map(() => Infinity); // known when the table is laid out; null is hidden
  let widthOf = () => 0;
  const fits = columns.map((_, c) => (name, taken = 0) => fitName(name, widths[c] - PADDING - taken, widthOf));

  const draw = onFrame(() => {
    if (!el.clientHeight) return; // hidden, as the whole page is while its theme changes: what was drawn stays
    const first = Math.max(0, Math.floor(el.scrollTop / ROW));
    const last = Math.min(order.length, Math.ceil((el.scrollTop + el.clientHeight) / ROW) + 1);
    while (pool.length < last - first) pool.push(newRow());
    pool.forEach((row) => { row.used = false; });
    for (let i = first; i < last; i += 1) drawRow(pool[i % pool.length], i);
    for (const row of pool) {
      row.el.hidden = !row.used;
      if (!row.used) { row.el.removeAttribute("id"); delete row.el.dataset.id; }
    }
  });

  function newRow() {
    const cells = columns.map((c, i) => h("div", { role: "gridcell", "aria-colindex": i + 1, hidden: widths[i] === null, class: `t-cell ${c.align ?? ""} ${c.cls ?? ""}` }));
    const row = { el: h("div", { role: "row", class: "t-grid-row" }, cells), cells, shown: null };
    body.append(row.el);
    return row;
  }

  function drawRow(slot, i) {
    const row = order[i];
    slot.used = true;
    if (slot.shown !== row) {
      slot.shown = row;
      columns.forEach((column, c) => {
        const cell = slot.cells[c];
        if (column.draw) column.draw(cell, row, fits[c]);
        else { const text = column.text(row); cell.textContent = text; cell.title = column.tell?.(row) || text; }
      });
    }
    slot.el.id = `${prefix}-${i}`;
    slot.el.dataset.id = row.id;
    slot.el.style.transform = `translateY(${i * ROW}px)`;
    slot.el.setAttribute("aria-rowindex", i + 2);
    slot.el.setAttribute("aria-selected", selected.has(row.id));
    slot.el.classList.toggle("is-hovered", row.id === hovered);
    slot.el.classList.toggle("is-active", i === active);
  }

  function arrange() {
    order = [...rows];
    const column = sort && columns.find((c) => c.key === sort[0]);
    if (column) order.sort(comparison(column.value ?? column.text, sort[1] === "descending" ? -1 : 1));
    place = new Map(order.map((row, i) => [row.id, i]));
    heads.forEach((cell, i) => {
      const mine = sort && columns[i].key === sort[0];
      cell.setAttribute("aria-sort", mine ? sort[1] : "none");
    });
    body.style.height = `${order.length * ROW}px`;
    el.setAttribute("aria-rowcount", order.length + 1);
    note.hidden = order.length > 0;
    for (const slot of pool) slot.shown = null;
    draw();
  }

  function toggleSort(column) {
    const first = column.align === "end" ? "descending" : "ascending";
    const other = first === "ascending" ? "descending" : "ascending";
    sort = [column.key, sort && sort[0] === column.key && sort[1] === first ? other : first];
    arrange();
    el.scrollTop = 0;
  }

  function choose(i, event) {
    if (i < 0 || i >= order.length) return;
    const id = order[i].id;
    active = i;
    if (event.shiftKey && anchor >= 0) {
      const [from, to] = [Math.min(anchor, i), Math.max(anchor, i)];
      selected = new Set(order.slice(from, to + 1).map((row) => row.id));
    } else {
      anchor = i;
      if (event.ctrlKey || event.metaKey) {
        if (!selected.delete(id)) selected.add(id);
      } else selected = new Set([id]);
    }
    reveal(i);
    announce();
    onselect([...selected]);
  }

  function reveal(i) {
    const top = i * ROW;
    const room = el.clientHeight - HEAD;
    if (top < el.scrollTop) el.scrollTop = top;
    else if (top + ROW > el.scrollTop + room) el.scrollTop = top + ROW - room;
  }

  function announce() {
    if (active >= 0) el.setAttribute("aria-activedescendant", `${prefix}-${active}`);
    else el.removeAttribute("aria-activedescendant");
    draw();
  }

  el.addEventListener("scroll", draw, { passive: true });
  el.addEventListener("keydown", (event) => {
    const page = Math.max(1, Math.floor((el.clientHeight - HEAD) / ROW) - 1);
    const to = {
      ArrowDown: active + 1, ArrowUp: active < 0 ? 0 : active - 1, PageDown: active + page, PageUp: active - page,
      Home: 0, End: order.length - 1,
    }[event.key];
    if (to !== undefined) choose(Math.max(0, Math.min(order.length - 1, to)), event);
    else if (event.key === "Escape" && selected.size) { selected = new Set(); onselect([]); draw(); }
    else return;
    event.preventDefault();
    event.stopPropagation();
  });
  head.addEventListener("keydown", (event) => {
    const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
    if (!step && event.key !== "Enter" && event.key !== " ") return;
    event.stopPropagation();
    if (step) moveHeadFocus(heads, step, event);
  });
  body.addEventListener("click", (event) => {
    const row = event.target.closest(".t-grid-row");
    if (row) choose(place.get(idOf(row)), event);
  });
  body.addEventListener("pointerover", (event) => {
    const row = event.target.closest(".t-grid-row");
    if (row) onhover?.(idOf(row));
  });
  body.addEventListener("pointerleave", () => onhover?.(null));
  const idOf = (row) => Number(row.dataset.id);

  /** Rows are grids of their own, so the columns' widths are computed once for all of them. */
  function layOut() {
    if (!el.clientWidth) return; // hidden: what was laid out stays
    widthOf = textMeasure(el);
    const headOf = textMeasure(heads[0].firstElementChild);
    const needed = ({ title, longest = "" }) => Math.ceil(Math.max(headOf(`${title} ↓`), widthOf(longest))) + PADDING + 2;
    const before = widths;
    const fitted = fitColumns(columns, columns.map(needed), el.clientWidth);
    widths = fitted.widths;
    for (const slot of pool) slot.shown = null;
    if (columns.some((_, i) => (widths[i] === null) !== (before[i] === null))) hideColumns();
    el.style.setProperty("--t-columns", widths.filter((width) => width !== null).map((width) => `${width}px`).join(" "));
    el.style.setProperty("--t-seen", `${el.clientWidth}px`);
    el.style.setProperty("--t-width", `${fitted.total}px`);
    draw();
  }

  /** Cells of columns without room, and their headings; one heading that is seen stays a tab stop. */
  function hideColumns() {
    for (const cells of [heads, ...pool.map((slot) => slot.cells)]) cells.forEach((cell, i) => { cell.hidden = widths[i] === null; });
    const seen = heads.filter((cell) => !cell.hidden).map((cell) => cell.firstElementChild);
    const stop = seen.find((press) => press.getAttribute("tabindex") === "0") ?? seen[0];
    for (const cell of heads) cell.firstElementChild.setAttribute("tabindex", cell.firstElementChild === stop ? "0" : "-1");
    onfit?.(columns.filter((_, i) => widths[i] === null));
  }

  const resize = new ResizeObserver(layOut);
  resize.observe(el);

  return {
    el,
    setRows(next) { rows = next; active = -1; anchor = -1; arrange(); },
    /** Show a selection that was made elsewhere; its first row scrolls into view. */
    setSelected(ids) {
      selected = new Set(ids);
      const i = ids.length ? place.get(ids[ids.length - 1]) ?? -1 : -1;
      active = i;
      anchor = i;
      if (i >= 0) reveal(i);
      announce();
    },
    setHovered(id) { if (hovered !== id) { hovered = id; draw(); } },
    ordered: () => order,
    dispose() { resize.disconnect(); draw.cancel(); },
  };
}

/** One heading is a tab stop; the arrow keys move among the others. */
function moveHeadFocus(heads, step, event) {
  const buttons = heads.filter((cell) => !cell.hidden).map((cell) => cell.firstElementChild);
  const from = buttons.indexOf(event.target);
  const to = buttons[Math.max(0, Math.min(buttons.length - 1, from + step))];
  buttons.forEach((b) => b.setAttribute("tabindex", b === to ? "0" : "-1"));
  to.focus();
  event.preventDefault();
}

function headCell(column, i, onclick) {
  const press = h("button", { type: "button", class: "t-grid-sort", title: column.hint ?? column.title, tabindex: i ? "-1" : "0", onclick }, column.title);
  return h("div", { role: "columnheader", class: `t-cell ${column.align ?? ""} ${column.cls === "t-sticky" ? column.cls : ""}`, "aria-colindex": i + 1, "aria-sort": "none" }, press);
}

/** Orders numbers by size and texts by alphabet; missing values come last either way. */
function comparison(value, sign) {
  return (x, y) => {
    const a = value(x);
    const b = value(y);
    const missing = (v) => v === null || v === undefined;
    if (missing(a) || missing(b)) return missing(a) - missing(b);
    if (typeof a === "string") return sign * a.localeCompare(b, "en", { numeric: true });
    return sign * (a - b);
  };
}

/** The rows as comma-separated values with a heading. */
export function toCsv(columns, rows) {
  const quote = (value) => {
    const text = value === null || value === undefined ? "" : String(value);
    return /[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
  };
  const cell = (column) => (row) => quote((column.value ?? column.text)(row));
  const lines = [columns.map((c) => quote(c.title)).join(",")];
  const cells = columns.map(cell);
  for (const row of rows) lines.push(cells.map((f) => f(row)).join(","));
  return `${lines.join("\n")}\n`;
}

/** A coloured square and a name that is shortened to fit, for tables. */
export function swatchText(cell, family, name, fit) {
  fillWith(cell, h("span", { class: "t-swatch", style: { "--c": `var(--t-${family})` } }), h("span", { class: "t-clip", title: name }, fit(name, SWATCH)));
}
