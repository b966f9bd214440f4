// Light or dark: follows the host live, and resolves CSS colours for canvases.

/** What the page around us says, from the most to the least specific sign. */
export function hostTheme() {
  const body = document.body;
  if (body.dataset.jpThemeLight) return body.dataset.jpThemeLight === "false" ? "dark" : "light";
  const kind = body.dataset.vscodeThemeKind;
  if (kind) return kind.includes("light") ? "light" : "dark";
  const named = document.documentElement.getAttribute("theme") || document.documentElement.dataset.theme;
  if (named === "dark" || named === "light") return named;
  return matchMedia("(prefers-color-scheme: dark)").matches ? "dark" : "light";
}

/** Keep `root`'s data-theme right; calls back at once and after every change. */
export function followTheme(root, callback) {
  const media = matchMedia("(prefers-color-scheme: dark)");
  const apply = () => { root.dataset.theme = hostTheme(); callback(); };
  const observer = new MutationObserver(apply);
  const watched = { attributes: true, attributeFilter: ["data-jp-theme-light", "data-jp-theme-name", "data-vscode-theme-kind", "data-theme", "theme"] };
  observer.observe(document.body, watched);
  observer.observe(document.documentElement, watched);
  media.addEventListener("change", apply);
  apply();
  return () => { observer.disconnect(); media.removeEventListener("change", apply); };
}

const NAMES = ["bg", "bg2", "fg", "fg2", "fg3", "line", "accent", "warn", "good", "bad"];

/** The theme's colours as strings that a canvas takes, and the fonts. */
export function canvasColours(root, families) {
  const probe = document.createElement("span");
  probe.style.display = "none";
  root.append(probe);
  const resolve = (name) => {
    probe.style.color = `var(--t-${name})`;
    return getComputedStyle(probe).color;
  };
  const colours = Object.fromEntries(NAMES.map((name) => [name, resolve(name)]));
  const inked = (fill) => ({ fill, ink: readableInk(fill) });
  colours.families = families.map((family) => inked(resolve(family.key)));
  colours.heat = [0, 1, 2, 3, 4].map((step) => inked(resolve(`heat-${step}`)));
  colours.unknown = inked(colours.fg3);
  colours.font = getComputedStyle(root).fontFamily;
  probe.remove();
  return colours;
}

/** How a layer is filled: by its type, or by how much faster the device's limit would let it be. */
export function layerColour(colours, layer, by) {
  if (by !== "headroom") return colours.families[layer.family];
  if (layer.attained === null) return colours.unknown;
  return colours.heat[Math.min(4, Math.floor(Math.max(0, 1 - layer.attained) * 5))];
}

/** Black or white, whichever reads better on a colour. */
function readableInk(colour) {
  const unit = colour.startsWith("color(") ? 1 : 255; // color(srgb …) counts from 0 to 1
  const parts = colour.match(/[\d.]+(?![\w(])/g).map((v) => Number(v) / unit);
  const linear = parts.slice(0, 3).map((v) => (v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4));
  const luminance = 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2];
  return luminance > 0.2 ? "rgba(0,0,0,0.86)" : "rgba(255,255,255,0.96)";
}
