// Filters and lassos in the server's words: NAME:PART,PART of a clause, XNAME,YNAME:x1,y1,... of a lasso.

/** @import { Selection } from "./api.js" */
/** @import { Column, Value } from "./types.js" */

/** @typedef {{kind: "range", from: number | null, to: number | null} | {kind: "values", values: Value[]}} Filter */
/** @typedef {{x: string, y: string, corners: [number, number][]}} Lasso */

/**
 * Percent-encode what has a meaning in a clause.
 * @param {string} text
 */
function escaped(text) {
  return text.replace(/[%:,*!]/g, (sign) => `%${sign.charCodeAt(0).toString(16).toUpperCase().padStart(2, "0")}`);
}

/** @param {string} text */
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

/**
 * @param {string} name of a column
 * @param {Filter} filter
 * @returns {string} a clause
 */
export function clause(name, filter) {
  if (filter.kind === "range") return `${escaped(name)}:${filter.from ?? ""}..${filter.to ?? ""}`;
  return `${escaped(name)}:${filter.values.map((value) => escaped(String(value))).join(",")}`;
}

/**
 * Read a clause that this page wrote; what the page cannot show stays a clause all the same.
 * @param {string} text
 * @returns {{name: string, filter: Filter} | null}
 */
export function readClause(text) {
  const at = text.indexOf(":");
  if (at < 1) return null;
  const name = unescaped(text.slice(0, at));
  const parts = text.slice(at + 1).split(",");
  const range = /^(-?[\d.]+(?:e[-+]?\d+)?)?\.\.(-?[\d.]+(?:e[-+]?\d+)?)?$/i.exec(parts[0]);
  if (parts.length === 1 && range) {
    const end = (/** @type {string | undefined} */ part) => (part === undefined ? null : Number(part));
    return { name, filter: { kind: "range", from: end(range[1]), to: end(range[2]) } };
  }
  if (parts.some((part) => /^!|\.\.|\*$/.test(part))) return null;
  return { name, filter: { kind: "values", values: parts.map(unescaped) } };
}

/**
 * @param {Lasso} lasso
 * @returns {string}
 */
export function within(lasso) {
  return `${escaped(lasso.x)},${escaped(lasso.y)}:${lasso.corners.flat().join(",")}`;
}

/**
 * @param {string} text
 * @returns {Lasso | null}
 */
export function readWithin(text) {
  const at = text.indexOf(":");
  const names = text.slice(0, at).split(",");
  const numbers = text.slice(at + 1).split(",").map(Number);
  if (names.length !== 2 || numbers.length < 6 || numbers.length % 2 || numbers.some(Number.isNaN)) return null;
  /** @type {[number, number][]} */
  const corners = [];
  for (let i = 0; i < numbers.length; i += 2) corners.push([numbers[i], numbers[i + 1]]);
  return { x: unescaped(names[0]), y: unescaped(names[1]), corners };
}

/**
 * @param {{run: string, pool: string, where: string[], within: string[]}} state
 * @param {string} [without] a column whose own filter is left out, as its histogram does
 * @returns {Selection}
 */
export function selection(state, without) {
  const kept = state.where.filter((text) => without === undefined || readClause(text)?.name !== without);
  return [
    ["run", state.run],
    ["pool", state.pool],
    ...kept.map((text) => /** @type {[string, string]} */ (["where", text])),
    ...state.within.map((text) => /** @type {[string, string]} */ (["within", text])),
  ];
}

/**
 * The clauses with that of one column replaced, or taken away by null.
 * @param {string[]} where
 * @param {string} name
 * @param {Filter | null} filter
 * @returns {string[]}
 */
export function withFilter(where, name, filter) {
  const others = where.filter((text) => readClause(text)?.name !== name);
  return filter ? [...others, clause(name, filter)] : others;
}

/**
 * @param {string[]} where
 * @param {string} name
 * @returns {Filter | null}
 */
export function filterOf(where, name) {
  for (const text of where) {
    const read = readClause(text);
    if (read?.name === name) return read.filter;
  }
  return null;
}

/**
 * @param {Filter} filter
 * @param {Column | undefined} column
 * @param {(value: number) => string} number
 * @returns {string} in words
 */
export function inWords(filter, column, number) {
  const name = column?.label ?? "";
  if (filter.kind === "values") {
    const shown = filter.values.slice(0, 3).join(", ");
    return `${name} ${shown}${filter.values.length > 3 ? ` and ${filter.values.length - 3} more` : ""}`;
  }
  if (filter.from === null) return `${name} \u2264 ${number(filter.to ?? NaN)}`;
  if (filter.to === null) return `${name} \u2265 ${number(filter.from)}`;
  return `${name} ${number(filter.from)} \u2026 ${number(filter.to)}`;
}
