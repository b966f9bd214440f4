// Which columns of a table fit beside each other, and how wide each is.

/**
 * Columns go by their `spare`, the least first, until the others fit; those without one always stay. What is
 * left to the last (`spare` from LATE on) goes only when narrower forms of the others do not fit, either.
 *
 * @param columns [{ width, least?, grow?, spare? }], widths in pixels: comfortable, and as narrow as it may be
 * @param needed pixels that each column's title takes at least
 * @returns width of each column in pixels, null where it is hidden, and the sum, which is more than the
 *     room where not even the columns that stay fit
 */
export function fitColumns(columns, needed, room) {
  const wide = columns.map((c, i) => Math.max(c.width, needed[i]));
  const least = columns.map((c, i) => Math.max(c.least ?? c.width, needed[i]));
  const shown = new Set(columns.keys());
  const sum = (of) => [...shown].reduce((total, i) => total + of[i], 0);
  const order = [...shown].filter((i) => columns[i].spare).sort((a, b) => columns[a].spare - columns[b].spare);
  for (const i of order) {
    if (sum(columns[i].spare < LATE ? wide : least) <= room) break;
    shown.delete(i);
  }
  const [most, fewest] = [sum(wide), sum(least)];
  const ease = most > fewest ? Math.min(1, Math.max(0, (room - fewest) / (most - fewest))) : 1;
  const base = columns.map((_, i) => least[i] + ease * (wide[i] - least[i]));
  const parts = [...shown].reduce((total, i) => total + (columns[i].grow ?? 0), 0) || 1;
  const left = Math.max(0, room - sum(base));
  const widths = columns.map((c, i) => (shown.has(i) ? base[i] + (left * (c.grow ?? 0)) / parts : null));
  return { widths, total: Math.max(sum(base), room) };
}

/** From this `spare` on, columns are dearer than comfortable widths. */
export const LATE = 10;
