// The column of filters: each shows how the structures lie under all other filters, and takes a range or values.

import { histogram } from "./api.js";
import { Choices } from "./choices.js";
import { fill, html } from "./dom.js";
import { RangeHistogram } from "./histogram.js";
import { filterOf, selection, withFilter } from "./selection.js";
import { go, state } from "./state.js";

/** @import { Column, Pool, Value } from "./types.js" */
/** @import { State } from "./state.js" */

// What a crystallographer asks for first, in this order, where the pool has it.
const USUAL = [
  "relative_energy", "lattice_energy", "density", "spg", "cluster", "AP_cluster", "kmedoids_cluster", "z_prime", "mode",
];
const BINS = 44;
const MOST_VALUES = 300;

/** @param {Column} column */
export function isChoice(column) {
  if (!column.values || column.values.length > MOST_VALUES) return false;
  return column.kind === "text" || column.kind === "flag" || column.values.length <= 230;
}

export class Filters {
  /** @param {HTMLElement} host @param {(column: Column) => ((value: Value) => string | null)} colours */
  constructor(host, colours) {
    this.host = host;
    this.colours = colours;
    /** @type {Map<string, RangeHistogram | Choices>} */
    this.shown = new Map();
    /** @type {Pool | null} */
    this.pool = null;
    /** @type {Set<string>} columns that the reader added */
    this.added = new Set();
  }

  /** @param {Pool} pool */
  load(pool) {
    this.pool = pool;
    this.#build();
  }

  #build() {
    const pool = this.pool;
    if (!pool) return;
    const filtered = state().where.map((text) => text.slice(0, text.indexOf(":")));
    const useful = pool.columns.filter((column) => this.#canFilter(column));
    // The same energies from another zero.
    const twice = useful.some((column) => column.name === "relative_energy") ? "lattice_energy" : "";
    const names = useful.filter((column) => (USUAL.includes(column.name) && column.name !== twice) || /cluster$/.test(column.name)
      || this.added.has(column.name) || filtered.includes(column.name)).map((column) => column.name);
    names.sort((a, b) => order(a) - order(b));
    const wanted = new Set(names);
    this.shown.clear();
    const blocks = useful.filter((column) => wanted.has(column.name)).sort((a, b) => order(a.name) - order(b.name))
      .map((column) => this.#block(column));
    const others = useful.filter((column) => !wanted.has(column.name));
    const adding = html(
      "select", { "aria-label": "add a filter", onchange: (/** @type {Event} */ event) => {
        this.added.add(/** @type {HTMLSelectElement} */ (event.target).value);
        this.#build();
        void this.refresh();
      } },
      html("option", { value: "" }, "add a filter\u2026"),
      ...others.map((column) => html("option", { value: column.name }, column.label)),
    );
    fill(this.host, ...blocks, others.length ? adding : null);
  }

  /** @param {Column} column */
  #canFilter(column) {
    if (column.values) return column.values.length > 1 && (isChoice(column) || column.kind === "integer");
    return column.kind !== "text" && column.min !== null && column.max !== null && column.max > column.min;
  }

  /** @param {Column} column */
  #block(column) {
    const { name, label } = column;
    const clear = html("button", { class: "quiet clear", type: "button", "aria-label": `clear ${label}`, hidden: true,
      onclick: () => this.#choose(name, null, true) }, "clear");
    const part = isChoice(column)
      ? new Choices(label, (values) => this.#choose(name, values.length ? { kind: "values", values } : null, true))
      : new RangeHistogram(label, (from, to, final) =>
        this.#choose(name, from === null && to === null ? null : { kind: "range", from, to }, final));
    this.shown.set(name, part);
    return html("section", { class: "filter", "data-column": name }, html("header", {}, html("h3", {}, label), clear), part.element);
  }

  /**
   * @param {string} name
   * @param {import("./selection.js").Filter | null} filter
   * @param {boolean} final
   */
  #choose(name, filter, final) {
    go({ where: withFilter(state().where, name, filter) }, { replace: !final });
  }

  /** Ask for the numbers again: after each change of a filter. */
  async refresh() {
    const pool = this.pool;
    if (!pool) return;
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    const now = { ...state(), run: pool.run, pool: pool.pool };
    await Promise.all([...this.shown].map(([name, part]) => this.#fetch(name, part, now, signal)));
  }

  /**
   * @param {string} name
   * @param {RangeHistogram | Choices} part
   * @param {State} now
   * @param {AbortSignal} signal
   */
  async #fetch(name, part, now, signal) {
    try {
      const data = await histogram(selection(now, name), name, BINS, signal);
      const filter = filterOf(now.where, name);
      const block = part.element.parentElement;
      block?.querySelector(".clear")?.toggleAttribute("hidden", !filter);
      if (part instanceof Choices) {
        const picked = new Set(filter?.kind === "values" ? filter.values.map(String) : []);
        const column = this.pool?.columns.find((each) => each.name === name);
        const values = (data.values ?? []).map((value, i) => ({ value, all: data.all[i], selected: data.selected[i] }));
        if (column) part.show(values, picked, this.colours(column));
      } else {
        const range = filter?.kind === "range" ? filter : { from: null, to: null };
        part.show(data, range.from, range.to);
      }
    } catch (error) {
      if (!signal.aborted) fill(part.element, html("p", { class: "problem" }, error instanceof Error ? error.message : String(error)));
    }
  }
}

/** @param {string} name */
function order(name) {
  const at = USUAL.indexOf(name);
  return at < 0 ? USUAL.length : at;
}
