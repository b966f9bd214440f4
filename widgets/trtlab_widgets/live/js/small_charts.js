// The drawer's small pictures: a distribution and a roofline, both SVG.

import { h, s } from "./dom.js";
import { byteRate, flopRate, timeUs, whole } from "./format.js";
import { ofLimit } from "./limit.js";

const FAR = 2; // times as far from the least as the axis' end
const FEWEST = 20; // samples; of fewer, none can be told to be far out

/**
 * Equal bins over an axis that a few far samples do not squeeze, by the rule of pages/histogram.py:
 * it ends at the 99.9th percentile, or below the largest of fewer than 1,000, when the largest is far out.
 * @returns bins (none where all samples are equal) and beyond: how many lie past `from`, up to `to`, or null
 */
export function distribution(samples, wanted) {
  const ascending = Float64Array.from(samples).sort();
  const last = ascending.length - 1;
  const [low, largest] = [ascending[0], ascending[last]];
  if (!(largest > low)) return { bins: [], beyond: null };
  let end = largest;
  if (last + 1 >= FEWEST) {
    const near = ascending[last - Math.max(1, Math.floor((last + 1) / 1000))];
    if (near > low && largest - low > FAR * (near - low)) end = near;
  }
  const counts = new Array(wanted).fill(0);
  const shown = ascending.filter((v) => v <= end);
  for (const v of shown) counts[Math.min(wanted - 1, Math.floor(((v - low) / (end - low)) * wanted))] += 1;
  const bins = counts.map((n, i) => ({ from: low + ((end - low) * i) / wanted, to: low + ((end - low) * (i + 1)) / wanted, n }));
  const n = ascending.length - shown.length;
  return { bins, beyond: n ? { n, from: end, to: largest } : null };
}

const [BIN, BINS, APART, WIDE] = [10, 28, 8, 16]; // in the picture's units: a bin, and the last bar's distance and width

/** A layer's times as bars, with a line at the median; those far out are one bar apart. */
export function histogram(samples, median, family) {
  const { bins, beyond } = distribution(samples, BINS);
  if (!bins.length) return h("p", { class: "t-dim" }, samples.length ? "All samples are equal." : "No samples.");
  const most = Math.max(...bins.map((b) => b.n));
  const [low, high] = [bins[0].from, bins[BINS - 1].to];
  const bar = (x, width, n, least, props, title) => {
    const height = Math.max(least, Math.min(1, n / most) * 42);
    return s("rect", { x, width, y: 44 - height, height, ...props }, s("title", {}, title));
  };
  const bars = bins.map((bin, i) => bar(i * BIN + 0.5, BIN - 1, bin.n, 0, { fill: `var(--t-${family})` }, `${timeUs(bin.from)} – ${timeUs(bin.to)}: ${bin.n}`));
  const more = beyond && `${whole(beyond.n)} beyond, up to ${timeUs(beyond.to)}`;
  if (beyond) bars.push(bar(BINS * BIN + APART, WIDE, beyond.n, 3, { class: "t-beyond" }, more));
  const x = ((median - low) / (high - low)) * BINS * BIN;
  const width = BINS * BIN + (beyond ? APART + WIDE : 0);
  const label = `${samples.length} samples from ${timeUs(low)} to ${timeUs(high)}, median ${timeUs(median)}${beyond ? `; ${more}` : ""}`;
  return h("figure", { class: "t-figure" },
    s("svg", { viewBox: `0 0 ${width} 46`, preserveAspectRatio: "none", class: "t-histogram", role: "img", "aria-label": label }, bars,
      s("line", { x1: x, x2: x, y1: 0, y2: 46, class: "t-marker" })),
    h("figcaption", {}, h("span", {}, timeUs(low)), h("span", {}, `${samples.length} samples`), h("span", {}, beyond ? `${timeUs(high)} · ${more}` : timeUs(high))));
}

const W = 300;
const H = 132;

/** All layers against the device's measured roof; the given one stands out, others can be clicked. */
export function roofline(data, layer, onselect) {
  const peak = data.peaks.flops[layer.precision];
  const bandwidth = data.peaks.bytes;
  const shown = data.layers.filter((l) => l.gflops > 0 && l.intensity > 0 && l.precision === layer.precision);
  if (!peak || !bandwidth || !shown.length) return null;
  const ridge = peak / bandwidth;
  const x = logScale(Math.min(ridge / 8, ...shown.map((l) => l.intensity)), Math.max(ridge * 8, ...shown.map((l) => l.intensity)), 6, W - 6);
  const y = logScale(Math.min(...shown.map((l) => l.gflops)), (peak / 1e9) * 1.8, H - 6, 6);
  const roofAt = (i) => Math.min(peak, i * bandwidth) / 1e9;
  const ends = [x.invert(6), ridge, x.invert(W - 6)];
  const roof = s("polyline", { class: "t-roof", points: ends.map((i) => `${x(i)},${y(roofAt(i))}`).join(" ") });
  const at = (l) => [x(l.intensity), y(l.gflops)];
  const others = data.families.map(({ key }, family) => s("path", {
    class: "t-dots", stroke: `var(--t-${key})`,
    d: shown.filter((l) => l.family === family && l !== layer).map((l) => `M${at(l).map((v) => v.toFixed(1)).join(" ")}h0`).join(""),
  }));
  const [cx, cy] = at(layer);
  const own = shown.includes(layer) && s("circle", { cx, cy, r: 5, fill: `var(--t-${data.families[layer.family].key})`, class: "t-dot" });
  const label = `Roofline: this layer ran at ${ofLimit(layer.attained)} of what the device allows${layer.bound ? `; it is ${layer.bound}-bound` : ""}`;
  const picture = s("svg", { viewBox: `0 0 ${W} ${H}`, class: "t-roofline", role: "img", "aria-label": label }, roof, others, own);
  const nearest = (event) => {
    const box = picture.getBoundingClientRect();
    const [px, py] = [((event.clientX - box.left) / box.width) * W, ((event.clientY - box.top) / box.height) * H];
    const away = (l) => Math.hypot(at(l)[0] - px, at(l)[1] - py);
    const best = shown.reduce((a, b) => (away(b) < away(a) ? b : a));
    return away(best) < 8 ? best : null;
  };
  const name = h("span", {}, "FLOP/B →");
  picture.addEventListener("pointermove", (event) => {
    const found = nearest(event);
    picture.classList.toggle("is-hit", Boolean(found));
    name.textContent = found ? found.name : "FLOP/B →";
  });
  picture.addEventListener("click", (event) => { const found = nearest(event); if (found) onselect(found.index); });
  const peaks = h("span", {}, `measured peaks: ${flopRate(peak / 1e9)}, ${byteRate(bandwidth / 1e9)}`);
  return h("figure", { class: "t-figure" }, picture, h("figcaption", {}, name, peaks));
}

function logScale(low, high, from, to) {
  const [a, b] = [Math.log(low), Math.log(high)];
  const scale = (v) => from + ((Math.log(v) - a) / (b - a || 1)) * (to - from);
  scale.invert = (p) => Math.exp(a + ((p - from) / (to - from)) * (b - a));
  return scale;
}
