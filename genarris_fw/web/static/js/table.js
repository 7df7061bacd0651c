// The table: a page at a time from the server, sorted there; arrows walk through it.

import { table } from "./api.js";
import { fill, html } from "./dom.js";
import { ofColumn, parted, whole } from "./format.js";
import { selection } from "./selection.js";
import { go, link, state } from "./state.js";

/** @import { Pool, TablePage } from "./types.js" */

const USUAL = ["lattice_energy", "relative_energy", "density", "spg", "z_prime", "cell_vol", "hits", "experiment_rmsd"];
const MOST_COLUMNS = 7;
const LINES = 60;

export class Table {
  /**
   * @param {HTMLElement} host
   * @param {{hovered: (row: number | null) => void, shown: () => void}} events
   */
  constructor(host, events) {
    this.host = host;
    this.events = events;
    /** @type {Pool | null} */
    this.pool = null;
    /** @type {TablePage | null} */
    this.page = null;
    host.addEventListener("keydown", (event) => this.#key(event));
  }

  /** @param {Pool} pool */
  load(pool) {
    this.pool = pool;
    this.page = null;
  }

  /** The columns that are shown. */
  columns() {
    const has = new Set(this.pool?.columns.map((column) => column.name));
    const chosen = state().columns.filter((name) => has.has(name));
    if (chosen.length) return chosen;
    const { x, y, colour } = state();
    const first = [y, x, colour, ...USUAL].filter((name) => has.has(name));
    const rest = this.pool?.columns.map((column) => column.name) ?? [];
    return [...new Set([...first, ...(first.length < 2 ? rest : [])])].slice(0, MOST_COLUMNS);
  }

  /** @param {{after?: string, before?: string, at?: string}} [where] */
  async refresh(where = {}) {
    const pool = this.pool;
    if (!pool) return;
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    const now = { ...state(), run: pool.run, pool: pool.pool };
    const parameters = {
      columns: this.columns().join(","), sort: now.sort || pool.default.sort, descending: now.descending, limit: LINES, ...where,
    };
    try {
      this.page = await table(selection(now), parameters, signal);
      this.#show();
    } catch (error) {
      if (!signal.aborted) fill(this.host, html("p", { class: "problem" }, error instanceof Error ? error.message : String(error)));
    }
  }

  /** Mark the structure that is open. */
  mark() {
    for (const line of this.host.querySelectorAll("tr[data-id]")) {
      const is = line.getAttribute("data-id") === state().id;
      line.setAttribute("aria-selected", String(is));
      if (is) line.scrollIntoView({ block: "nearest" });
    }
  }

  /**
   * Open the line after, or before, the one that is open.
   * @param {1 | -1} step
   */
  async step(step) {
    if (!this.page) return;
    const at = this.page.rows.findIndex((row) => row.id === state().id);
    const beside = at < 0 ? this.#end(step) : this.page.rows[at + step]?.id;
    if (beside !== undefined) this.#open(beside);
    else if (at >= 0) await this.#turn(step);
  }

  /** @param {1 | -1} step */
  async #turn(step) {
    const key = step > 0 ? this.page?.next : this.page?.previous;
    if (!key) return;
    await this.refresh(step > 0 ? { after: key } : { before: key });
    this.#open(this.#end(step));
  }

  /**
   * The line that a step onto the page comes to.
   * @param {1 | -1} step
   */
  #end(step) {
    return this.page?.rows.at(step > 0 ? 0 : -1)?.id;
  }

  /** @param {string | undefined} id */
  #open(id) {
    if (id !== undefined) go({ id }, { replace: state().id !== "" });
  }

  #show() {
    const page = this.page;
    if (!page || !this.pool) return;
    const labels = new Map(this.pool.columns.map((column) => [column.name, column]));
    const sort = state().sort || this.pool.default.sort || "id";
    const head = ["id", ...page.columns].map((name) => {
      const sorted = name === sort;
      const direction = state().descending ? "descending" : "ascending";
      const label = name === "id" ? "structure" : labels.get(name)?.label ?? name;
      const [what, unit] = parted(label);
      return html(
        "th", { scope: "col", "aria-sort": sorted ? direction : "none", class: name === "id" ? "" : "number" },
        html("button", { type: "button", title: `sort by ${label}`,
          onclick: () => go({ sort: name, descending: sorted ? !state().descending : false }) },
        html("span", {}, what), unit ? html("small", {}, unit) : null),
      );
    });
    const star = this.pool.experiment?.id;
    const written = page.columns.map((name) => ofColumn(labels.get(name) ?? { kind: "text", min: null, max: null }));
    const lines = page.rows.map((row, i) => html(
      "tr", { "data-id": row.id, "aria-selected": String(row.id === state().id), tabindex: i ? -1 : 0,
        onclick: () => go({ id: row.id }), onmouseenter: () => this.events.hovered(row.row), onmouseleave: () => this.events.hovered(null) },
      html("td", {}, html("a", { href: link({ id: row.id }), tabindex: -1, onclick: (/** @type {Event} */ event) => event.preventDefault() }, row.id),
        row.id === star ? html("span", { class: "starred", title: "the measured crystal" }, " \u2605") : null),
      ...row.values.map((value, k) => html("td", { class: typeof value === "string" ? "" : "number" }, written[k](value))),
    ));
    const table_ = html("table", { "aria-label": "structures" }, html("thead", {}, html("tr", {}, ...head)), html("tbody", {}, ...lines));
    const empty = page.rows.length ? null : html("p", { class: "empty" }, "No structure passes these filters.");
    fill(this.host, html("div", { class: "lines" }, table_, empty), this.#pager(page));
    this.mark();
    this.events.shown();
  }

  /** @param {TablePage} page */
  #pager(page) {
    const last = page.position + page.rows.length;
    const turn = (/** @type {string} */ words, /** @type {boolean} */ can, /** @type {{after?: string, before?: string}} */ where) =>
      html("button", { type: "button", disabled: !can, onclick: () => void this.refresh(where) }, words);
    return html(
      "nav", { class: "pager", "aria-label": "pages of the table" },
      turn("first", page.position > 0, {}),
      turn("previous", page.previous !== null && page.position > 0, { before: page.previous ?? undefined }),
      html("span", {}, page.rows.length ? `${whole(page.position + 1)} to ${whole(last)} of ${whole(page.matched)}` : "none"),
      turn("next", page.next !== null, { after: page.next ?? undefined }),
    );
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const line = event.target instanceof Element ? event.target.closest("tr[data-id]") : null;
    if (!line) return;
    const step = { ArrowDown: 1, ArrowUp: -1 }[event.key];
    if (step) {
      event.preventDefault();
      event.stopPropagation();
      void this.step(step === 1 ? 1 : -1).then(() => this.#focus());
    } else if (event.key === "Enter") go({ id: line.getAttribute("data-id") ?? "" });
  }

  #focus() {
    /** @type {HTMLElement | null} */ (this.host.querySelector('tr[aria-selected="true"]'))?.focus();
  }
}
