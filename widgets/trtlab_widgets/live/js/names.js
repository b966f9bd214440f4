// Layers' names as they are shown: `trtlab.report.short_name` is the same rule, for letters instead of pixels.

/** Names of layers that the builder added are sentences; others are names of nodes, joined by " + ". */
export const isSentence = (name) => !/^\S+( \+|$)/.test(name);

/** A name without the slash that every node of some exporters begins with: it tells nothing apart. */
export const bareName = (name) => name.replace(/(^| \+ )\/(?=\S)/g, "$1");

/**
 * A layer's name in so many pixels: whole, or its first part, or that without the operator, which the
 * colour tells; then with initials for words, the first words first, because numbers tell the layers of
 * one model apart, and then the last words. Empty when nothing telling fits.
 */
export function barName(name, room, widthOf) {
  const bare = bareName(name);
  const [first] = bare.split(" + ");
  const place = first.replace(/\/[A-Z]\w*$/, "");
  const fits = (form) => widthOf(form) <= room;
  const initials = (most) => { let n = 0; return place.replace(/[A-Za-z]+/g, (word) => ((n += 1) <= most ? word[0] : word)); };
  if (!fits(initials(Infinity))) return ""; // most bars: measuring is what drawing them costs
  const longest = [bare, first, place].find(fits);
  if (longest !== undefined) return longest;
  let most = 1;
  while (!fits(initials(most))) most += 1;
  return initials(most);
}

/** The same where something has to stand: what has no short form is cut in the middle, as ends differ. */
export function fitName(name, room, widthOf) {
  const bare = bareName(name);
  if (widthOf(bare) <= room) return bare;
  return (!isSentence(name) && barName(name, room, widthOf)) || cutMiddle(bare, room, widthOf);
}

function cutMiddle(text, room, widthOf) {
  const cut = (keep) => `${text.slice(0, Math.floor(keep / 2))}…${text.slice(text.length - Math.ceil(keep / 2))}`;
  let keep = Math.floor((text.length * room) / widthOf(text));
  while (keep > 2 && widthOf(cut(keep)) > room) keep -= 1;
  return cut(Math.max(2, keep));
}

/** A name in so many letters, for sentences. */
export const shortName = (name, letters) => fitName(name, letters, (text) => text.length);

let pen = null; // one for all

/** How wide texts are in an element's font. */
export function textMeasure(el) {
  // Not the shorthand: it is empty where a part of the font, such as tabular figures, has no place in it.
  const { fontWeight, fontSize, fontFamily } = getComputedStyle(el);
  const font = `${fontWeight} ${fontSize} ${fontFamily}`;
  return (text) => {
    pen ??= document.createElement("canvas").getContext("2d");
    pen.font = font;
    return pen.measureText(text).width;
  };
}
