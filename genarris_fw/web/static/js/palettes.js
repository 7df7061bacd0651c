// Colours that stay apart for colour-blind eyes, on light and on dark ground.

/** @typedef {[number, number, number]} Colour red, green, blue from 0 to 1 */

// Okabe and Ito's eight (jfly.uni-koeln.de/color), black left out; then grey for all further categories.
const CATEGORIES = ["#0072b2", "#e69f00", "#009e73", "#cc79a7", "#56b4e9", "#d55e00", "#b8a800"];
const CATEGORIES_DARK = ["#4aa8e8", "#f0b429", "#2cc295", "#e095bf", "#8fd0f5", "#ff8a4c", "#e6dc5a"];

// From dark to light alone, so that order is seen without hue.
const SEQUENCE = ["#2d1e6b", "#2b4f98", "#157e98", "#2ba57f", "#86c250", "#e2c93a"];
const SEQUENCE_DARK = ["#4b45a8", "#3a73c0", "#27a0b5", "#4fc796", "#a8dd6a", "#fbe76b"];

const OTHER = "#9aa3ad";
const OTHER_DARK = "#67727e";

/** How many categories have a colour of their own. */
export const NAMED = CATEGORIES.length;

/**
 * @param {number} index of a category, the most frequent first; NAMED and above are "others"
 * @param {boolean} dark
 * @returns {string}
 */
export function category(index, dark) {
  const colours = dark ? CATEGORIES_DARK : CATEGORIES;
  if (index >= 0 && index < NAMED) return colours[index];
  return dark ? OTHER_DARK : OTHER;
}

/**
 * @param {number} fraction from 0 to 1
 * @param {boolean} dark
 * @returns {string}
 */
export function sequence(fraction, dark) {
  return css(between((dark ? SEQUENCE_DARK : SEQUENCE).map(rgb), fraction));
}

/**
 * A row of pixels of a palette, for the card: 256 colours, 4 bytes each.
 * @param {"sequence" | "category"} kind
 * @param {boolean} dark
 * @returns {Uint8Array}
 */
export function texture(kind, dark) {
  const pixels = new Uint8Array(256 * 4);
  for (let i = 0; i < 256; i++) {
    const colour = rgb(kind === "sequence" ? sequence(i / 255, dark) : category(i, dark));
    pixels.set([...colour.map((part) => Math.round(255 * part)), 255], 4 * i);
  }
  return pixels;
}

/** @param {boolean} dark */
export function gradient(dark) {
  return `linear-gradient(to right, ${(dark ? SEQUENCE_DARK : SEQUENCE).join(", ")})`;
}

/**
 * @param {string} hex
 * @returns {Colour}
 */
export function rgb(hex) {
  const part = (/** @type {number} */ at) => parseInt(hex.slice(at, at + 2), 16) / 255;
  return [part(1), part(3), part(5)];
}

/** @param {Colour} colour */
function css(colour) {
  return `#${colour.map((part) => Math.round(255 * part).toString(16).padStart(2, "0")).join("")}`;
}

/**
 * @param {Colour[]} stops
 * @param {number} fraction
 * @returns {Colour}
 */
function between(stops, fraction) {
  const place = Math.min(Math.max(fraction, 0), 1) * (stops.length - 1);
  const i = Math.min(Math.floor(place), stops.length - 2);
  const mix = (/** @type {number} */ j) => stops[i][j] + (place - i) * (stops[i + 1][j] - stops[i][j]);
  return [mix(0), mix(1), mix(2)];
}
