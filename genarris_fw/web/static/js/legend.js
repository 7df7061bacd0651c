// What the colours mean, and which colour a value has.

import { fill, html } from "./dom.js";
import { number, whole } from "./format.js";
import { category, gradient, NAMED, rgb } from "./palettes.js";
import { isDark, variable } from "./theme.js";

/** @import { Column, Value } from "./types.js" */
/** @import { Look } from "./scatter/renderer.js" */

const MOST_CATEGORIES = 300;

/** @param {Column | undefined} column */
function isCategory(column) {
  return Boolean(column?.values && column.values.length <= MOST_CATEGORIES
    && (column.kind !== "integer" || /spg|cluster|z_prime|^Z$/.test(column.name)));
}

/**
 * The values of a column from the most frequent to the least: the first have colours of their own.
 * @param {Column} column
 * @returns {Value[]}
 */
function byFrequency(column) {
  return [...(column.values ?? [])].sort((a, b) => b[1] - a[1]).map(([value]) => value);
}

/**
 * @param {Column | undefined} column
 * @returns {Look}
 */
export function lookOf(column) {
  const dark = isDark();
  const base = { dark, plain: rgb(variable("--point")), faint: rgb(variable("--point-faint")) };
  if (!column) return { ...base, palette: "plain", range: [0, 1], places: null };
  if (!isCategory(column)) return { ...base, palette: "sequence", range: [column.min ?? 0, column.max ?? 1], places: null };
  const named = column.values ?? [];
  const code = (/** @type {Value} */ value) => (typeof value === "number" ? value : column.kind === "flag" ? Number(value) : named.findIndex(([each]) => each === value));
  const places = new Map(byFrequency(column).map((value, place) => [code(value), Math.min(place, 255)]));
  const codes = [...places.keys()];
  return { ...base, palette: "category", range: [Math.min(...codes, 0), Math.max(...codes, 1)], places };
}

/**
 * @param {Column | undefined} column that colours the landscape
 * @returns {(value: Value) => string | null}
 */
export function colourOf(column) {
  if (!column || !isCategory(column)) return () => null;
  const order = byFrequency(column);
  return (value) => category(order.indexOf(value), isDark());
}

/** @param {HTMLElement} host @param {Column | undefined} column @param {boolean} starred */
export function showLegend(host, column, starred) {
  const star = starred ? html("span", { class: "key" }, html("span", { class: "starred" }, "\u2605"), "measured crystal") : null;
  if (!column) return fill(host, star);
  if (!isCategory(column)) {
    const ramp = html("span", { class: "ramp" });
    ramp.style.background = gradient(isDark());
    return fill(host, html("span", { class: "key" }, column.label, html("span", {}, number(column.min, 4)), ramp, html("span", {}, number(column.max, 4))), star);
  }
  const colour = colourOf(column);
  const order = byFrequency(column);
  const keys = order.slice(0, NAMED).map((value) => {
    const dot = html("span", { class: "dot" });
    dot.style.background = colour(value) ?? "";
    return html("span", { class: "key" }, dot, String(value));
  });
  if (order.length > NAMED) {
    const dot = html("span", { class: "dot" });
    dot.style.background = category(NAMED, isDark());
    keys.push(html("span", { class: "key" }, dot, `${whole(order.length - NAMED)} more`));
  }
  return fill(host, html("span", { class: "key" }, column.label), ...keys, star);
}
