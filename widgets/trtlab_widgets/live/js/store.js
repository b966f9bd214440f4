// The state that linked views share. A view never talks to another view, only to the store.

/**
 * @param {object} initial one property for each thing that views share
 * @returns get(), set(changes, source), on(keys, listener) → unsubscribe
 *
 * Listeners hear of real changes only, in the order in which they subscribed, and learn the
 * source, so that a view can tell its own changes from others'.
 */
export function createStore(initial) {
  const state = { ...initial };
  const listeners = new Set();
  return {
    get: () => state,
    set(changes, source = "") {
      const changed = Object.keys(changes).filter((key) => !same(state[key], changes[key]));
      if (!changed.length) return;
      Object.assign(state, changes);
      for (const [keys, listener] of [...listeners]) {
        if (keys.some((key) => changed.includes(key))) listener(state, source);
      }
    },
    on(keys, listener) {
      const entry = [keys, listener];
      listeners.add(entry);
      return () => listeners.delete(entry);
    },
  };
}

function same(a, b) {
  if (Array.isArray(a) && Array.isArray(b)) return a.length === b.length && a.every((x, i) => x === b[i]);
  return a === b;
}
