// The tactics that competed for a layer, and what became of the winner.

import { h } from "./dom.js";
import { bytes, increase, timeUs } from "./format.js";

const FEW = 3; // tactics that do not apply beyond that are folded away
const NONE = /^none\b\s*\(?(.*?)\)?$/; // how a record says that nothing runs, and why

/** Why a layer runs nothing, in words; empty for one that runs a tactic. */
export function notNeeded({ tactic, type }) {
  const why = NONE.exec(tactic)?.[1];
  if (why === undefined) return "";
  if (why === "known from shapes") return "Not needed: the result follows from the tensors' shapes alone.";
  if (why !== "shares memory") return `Not needed${why ? `: ${why}` : ""}.`;
  return type === "CONCATENATION"
    ? "Not needed: the layers before it write straight into its output's memory."
    : "Not needed: its input and its output are the same memory, which its neighbours write and read.";
}

/** Every tactic that competed for a layer: times as bars, the others with their reason. */
export function leaderboard(layer, family, at) {
  const { arena } = layer;
  const idle = notNeeded(layer);
  const winner = arena.find((c) => c.chosen);
  const when = at && arena.some((c) => c.time !== null) && h("p", { class: "t-dim" }, `Timed alone at ${at}.`);
  const words = idle && h("p", { class: "t-arena-idle" }, idle, winner && [" Where it has to copy, the contest's winner would run: ", h("span", { class: "t-mono" }, winner.tactic), "."]);
  if (!arena.length) return words || h("p", { class: "t-dim" }, "No contest was recorded.");
  const slowest = Math.max(...arena.map((c) => c.time ?? 0), 1e-9);
  const best = arena.find((c) => c.time !== null)?.time;
  const entry = (c) => contender(c, { slowest, best, family, runs: !idle });
  const unfit = arena.filter((c) => c.why && !c.refused);
  if (unfit.length <= FEW) return [words, when, h("ol", { class: "t-arena" }, arena.map(entry))];
  return [
    words,
    when,
    h("ol", { class: "t-arena" }, arena.filter((c) => !unfit.includes(c)).map(entry)),
    h("details", { class: "t-arena-rest" }, h("summary", {}, `${unfit.length} tactics were not timed`), h("ol", { class: "t-arena" }, unfit.map(entry))),
  ];
}

function contender(c, { slowest, best, family, runs }) {
  const chosen = c.chosen && runs;
  const tags = [
    chosen && h("span", { class: "t-tag is-accent" }, "chosen"),
    c.refused && h("span", { class: "t-tag", title: "It failed when it was tried or timed" }, "refused"),
    c.cached && h("span", { class: "t-tag", title: "The time comes from the timing cache" }, "cached"),
  ];
  return h("li", { class: chosen ? "is-chosen" : c.why ? "is-refused" : "" },
    h("div", { class: "t-arena-name" }, h("span", { class: "t-mono" }, c.tactic), tags),
    c.time === null
      ? h("div", { class: "t-arena-why" }, c.why || "not timed")
      : h("div", { class: "t-arena-time" },
        h("span", { class: "t-arena-bar", style: { "--w": `${(c.time / slowest) * 100}%`, "--c": `var(--t-${family})` } }),
        h("span", { title: spreadText(c) }, timeUs(c.time)), h("span", { class: "t-dim" }, c.time === best ? "fastest" : increase(c.time / best - 1))));
}

function spreadText({ spread, samples, workspace }) {
  const range = spread ? `${samples} samples, ${timeUs(spread[0])} to ${timeUs(spread[1])}. ` : "";
  return `${range}Workspace ${bytes(workspace)}.`;
}
