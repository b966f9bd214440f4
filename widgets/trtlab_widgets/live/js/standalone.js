// Runs the explorer in a page of its own: unpacks the embedded bytes and stands in for the kernel.

import explorer from "./explorer.js";

/** The part of an anywidget model that the explorer uses. */
function pageModel(state) {
  const listeners = new Map();
  const named = (name) => listeners.get(name) ?? listeners.set(name, new Set()).get(name);
  return {
    get: (name) => state[name],
    set(name, value) {
      state[name] = value;
      for (const listener of [...named(`change:${name}`)]) listener();
    },
    save_changes() {},
    on: (name, listener) => named(name).add(listener),
    off: (name, listener) => named(name).delete(listener),
  };
}

/** Base64 of a deflated container → DataView. */
async function unpack(text) {
  const packed = Uint8Array.from(atob(text), (letter) => letter.charCodeAt(0));
  const stream = new Blob([packed]).stream().pipeThrough(new DecompressionStream("deflate"));
  return new DataView(await new Response(stream).arrayBuffer());
}

async function start() {
  const source = document.getElementById("trtlab-payload");
  const el = document.getElementById("trtlab-explorer");
  const model = pageModel({ payload: await unpack(source.textContent.trim()), selection: [], status: { state: "ready" } });
  window.trtlab = { model };
  explorer.render({ model, el });
}

start();

export default { pageModel, unpack };
