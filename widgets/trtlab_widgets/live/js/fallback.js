// Hides the saved summary below a live view; without JavaScript or kernel the summary stays.

const SELECTOR = ".trtl-fallback";
const LEVELS = 16; // from a widget's element up to the notebook's list of outputs
const WAITS_MS = [0, 30, 120, 400, 1500]; // the summary is an output of its own and comes later

/** @param el an element of the live view; returns a function that stops watching */
export function hideFallback(el) {
  let observer = null;
  const timers = WAITS_MS.map((wait) => setTimeout(look, wait));

  function look() {
    if (observer) return;
    let node = el;
    for (let level = 0; level < LEVELS && node; level += 1, node = node.parentElement) {
      if (hideAfter(node)) {
        const output = node;
        observer = new MutationObserver(() => hideAfter(output));
        observer.observe(node.parentElement, { childList: true, subtree: true });
        return;
      }
    }
  }

  return () => {
    timers.forEach(clearTimeout);
    observer?.disconnect();
  };
}

/** Hide the next sibling if it holds a summary; says whether it does. */
function hideAfter(node) {
  const next = node.nextElementSibling;
  const found = Boolean(next?.querySelector(SELECTOR));
  if (found && next.style.display !== "none") next.style.display = "none";
  return found;
}
