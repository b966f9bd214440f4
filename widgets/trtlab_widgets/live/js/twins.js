// The timeline and the memory plan as tables: the same facts for readers of text.

import { bytes, DASH, timeNs } from "./format.js";
import { createGrid, swatchText } from "./grid.js";
import { tensorUses } from "./memory_view.js";
import { sliceName } from "./payload.js";

const family = (data, layer) => (layer >= 0 ? data.families[data.layers[layer].family].key : "other");

/** The slices in view, in order of time. */
export function createSliceTable(data, store) {
  const { slices } = data;
  const columns = [
    { key: "start", title: "Start", hint: "After the beginning of the recording", width: 112, align: "end", value: (r) => slices.start[r.id], text: (r) => `${((slices.start[r.id] - data.range[0]) / 1e6).toFixed(3)} ms` },
    { key: "duration", title: "Duration", width: 92, align: "end", value: (r) => slices.duration[r.id], text: (r) => timeNs(slices.duration[r.id]) },
    { key: "name", title: "Slice", width: 180, grow: 3, value: (r) => sliceName(data, r.id), draw: (c, r, fit) => swatchText(c, family(data, slices.layer[r.id]), sliceName(data, r.id), fit) },
    { key: "kind", title: "Kind", width: 90, value: (r) => data.categories[slices.category[r.id]], text: (r) => data.categories[slices.category[r.id]] },
    { key: "stream", title: "Stream", width: 64, align: "end", value: (r) => slices.stream[r.id], text: (r) => String(slices.stream[r.id]) },
    { key: "iteration", title: "Inference", width: 76, align: "end", value: (r) => slices.iteration[r.id], text: (r) => String(slices.iteration[r.id]) },
  ];
  const grid = createGrid({
    label: "Slices in view", columns, sort: ["start", "ascending"], empty: "No slice lies in this stretch of time.",
    onselect: (ids) => {
      const layers = [...new Set(ids.map((i) => slices.layer[i]).filter((i) => i >= 0))];
      store.set({ selection: layers }, "slices");
    },
  });
  function show() {
    const [from, to] = store.get().range;
    const rows = [];
    for (let i = 0; i < slices.start.length; i += 1) {
      if (slices.start[i] <= to && slices.start[i] + slices.duration[i] >= from) rows.push({ id: i });
    }
    grid.setRows(rows);
    mark();
  }
  function mark() {
    const chosen = new Set(store.get().selection);
    grid.setSelected(grid.ordered().filter((r) => chosen.has(slices.layer[r.id])).map((r) => r.id));
  }
  const off = [store.on(["range"], show), store.on(["selection"], (_, source) => { if (source !== "slices") mark(); })];
  show();
  return { el: grid.el, dispose() { off.forEach((f) => f()); grid.dispose(); } };
}

/** Every tensor of the arena. */
export function createAllocationTable(data, store) {
  const { writer } = tensorUses(data.layers);
  const rows = data.memory.allocations.map(([tensor, offset, size, first, last], id) =>
    ({ id, tensor, offset, size, first, last, layer: writer.get(tensor) ?? first }));
  const writerOf = (row) => data.layers[row.layer]?.name ?? DASH;
  const columns = [
    { key: "tensor", title: "Tensor", width: 140, grow: 2, value: (r) => r.tensor, draw: (c, r, fit) => swatchText(c, family(data, r.layer), r.tensor, fit) },
    { key: "size", title: "Size", width: 96, align: "end", value: (r) => r.size, text: (r) => bytes(r.size) },
    { key: "offset", title: "Offset", width: 96, align: "end", value: (r) => r.offset, text: (r) => bytes(r.offset) },
    { key: "first", title: "From", hint: "Layer that writes it", width: 64, align: "end", value: (r) => r.first, text: (r) => (r.first < 0 ? "input" : String(r.first)) },
    { key: "last", title: "Until", hint: "Last layer that reads it", width: 64, align: "end", value: (r) => r.last, text: (r) => String(r.last) },
    { key: "writer", title: "Written by", width: 140, grow: 2, value: writerOf, draw: (c, r, fit) => { c.textContent = fit(writerOf(r)); c.title = writerOf(r); } },
  ];
  const grid = createGrid({
    label: "Tensors in the arena", columns, sort: ["size", "descending"], empty: "No tensor lies in the arena.",
    onselect: (ids) => store.set({ selection: [...new Set(ids.map((i) => rows[i].layer).filter((i) => i >= 0))] }, "allocations"),
  });
  const mark = () => {
    const chosen = new Set(store.get().selection);
    grid.setSelected(rows.filter((r) => chosen.has(r.layer)).map((r) => r.id));
  };
  const off = store.on(["selection"], (_, source) => { if (source !== "allocations") mark(); });
  grid.setRows(rows);
  mark();
  return { el: grid.el, dispose() { off(); grid.dispose(); } };
}
