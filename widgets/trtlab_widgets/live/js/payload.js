// Reads the container that payload.py writes, and derives what the views need from it.

const ARRAYS = { f8: Float64Array, f4: Float32Array, i4: Int32Array, u1: Uint8Array };

/** @param {DataView} view the container's bytes */
export function readPayload(view) {
  const headLength = view.getUint32(0, true);
  const text = new TextDecoder().decode(new Uint8Array(view.buffer, view.byteOffset + 4, headLength));
  const header = JSON.parse(text);
  const base = 4 + headLength;
  const column = (name) => {
    const [type, offset, length] = header.buffers[name];
    const Type = ARRAYS[type];
    const start = view.byteOffset + base + offset;
    // A message from the kernel may lie at any address; typed arrays need an aligned one.
    const raw = view.buffer.slice(start, start + length * Type.BYTES_PER_ELEMENT);
    return new Type(raw);
  };
  return derive(header, column);
}

function derive(header, column) {
  const data = { ...header };
  const ends = column("sample.end");
  const samples = column("sample.us");
  data.layers = header.layers.map((layer, index) => ({
    ...layer, index, samples: samples.subarray(index ? ends[index - 1] : 0, ends[index]),
  }));
  rank(data.layers);
  data.slices = {
    start: column("slice.start"), duration: column("slice.duration"), layer: column("slice.layer"),
    stream: column("slice.stream"), iteration: column("slice.iteration"),
    category: column("slice.category"), name: column("slice.name"),
    names: JSON.parse(new TextDecoder().decode(column("slice.names"))),
  };
  data.queries = { start: column("query.start"), ms: column("query.ms") };
  data.traces = header.traces.map((trace, i) => ({
    ...trace, times: column(`trace.${i}.t`), values: column(`trace.${i}.v`),
  }));
  data.iterations = iterations(data);
  data.enqueueWaits = enqueueWaits(data);
  data.range = fullRange(data);
  return data;
}

/** Adds each layer's place by time, and the share of it and all slower layers. */
function rank(layers) {
  const order = [...layers].sort((a, b) => (b.time ?? -1) - (a.time ?? -1));
  let sum = 0;
  order.forEach((layer, place) => {
    sum += layer.share ?? 0;
    layer.rank = place + 1;
    layer.cumulative = layer.share === null ? null : sum;
  });
}

/** Start and end of every iteration, in order; from its inference slice where there is one. */
function iterations({ slices, categories }) {
  const inference = categories.indexOf("inference");
  const spans = new Map();
  for (let i = 0; i < slices.start.length; i += 1) {
    const id = slices.iteration[i];
    const start = slices.start[i];
    const end = start + slices.duration[i];
    const span = spans.get(id) ?? { id, start: Infinity, end: -Infinity, whole: false };
    if (slices.category[i] === inference) Object.assign(span, { start, end, whole: true });
    else if (!span.whole) {
      span.start = Math.min(span.start, start);
      span.end = Math.max(span.end, end);
    }
    spans.set(id, span);
  }
  return [...spans.values()].sort((a, b) => a.id - b.id);
}

/** Whether asking for the work lasted until its last layer had run: then the host waited for it in there. */
function enqueueWaits({ slices, categories }) {
  const enqueue = categories.indexOf("enqueue");
  const ends = [new Map(), new Map()]; // by inference: of enqueueing, of the layers
  for (let i = 0; i < slices.start.length; i += 1) {
    if (slices.category[i] !== enqueue && slices.layer[i] < 0) continue;
    const kind = ends[slices.category[i] === enqueue ? 0 : 1];
    kind.set(slices.iteration[i], Math.max(kind.get(slices.iteration[i]) ?? 0, slices.start[i] + slices.duration[i]));
  }
  return [...ends[0]].some(([id, end]) => ends[1].has(id) && end >= ends[1].get(id));
}

function fullRange({ slices, traces, queries }) {
  let from = Infinity;
  let to = -Infinity;
  for (let i = 0; i < slices.start.length; i += 1) {
    from = Math.min(from, slices.start[i]);
    to = Math.max(to, slices.start[i] + slices.duration[i]);
  }
  for (const times of [queries.start, ...traces.map((t) => t.times)]) {
    if (times.length) { from = Math.min(from, times[0]); to = Math.max(to, times[times.length - 1]); }
  }
  return from < to ? [from, to] : [0, 1e6];
}

/** A slice's name: its layer's, or its own, which for enqueueing says where that is mostly waiting. */
export function sliceName(data, i) {
  const { layer, names, name, category } = data.slices;
  if (layer[i] >= 0) return data.layers[layer[i]].name;
  const waits = data.enqueueWaits && data.categories[category[i]] === "enqueue";
  return names[name[i]] + (waits ? ", then waiting for the layers and their time stamps" : "");
}

/** Position in data.iterations of the fastest-half middle, or of the slowest one. */
export function iterationBy(data, which) {
  const order = data.iterations.map((it, i) => [it.end - it.start, i]).sort((a, b) => a[0] - b[0]);
  if (!order.length) return -1;
  return which === "slowest" ? order[order.length - 1][1] : order[Math.floor((order.length - 1) / 2)][1];
}
