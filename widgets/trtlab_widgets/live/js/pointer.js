// Where the pointer is, in pixels of the element that is asked about.
//
// A notebook's zoom enlarges what an element draws, but not what it counts: events and boxes are in
// pixels of the window, while widths, positions and canvases are in the element's own.

/** How many pixels of the window one of the element's takes; 1 without zoom. */
export function zoomOf(el, box = el.getBoundingClientRect()) {
  return box.width / el.offsetWidth || 1;
}

/** An event's place in an element, counted from its upper left corner: [x, y]. */
export function placeIn(el, event) {
  const box = el.getBoundingClientRect();
  const zoom = zoomOf(el, box);
  return [(event.clientX - box.left) / zoom, (event.clientY - box.top) / zoom];
}
