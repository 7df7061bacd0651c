// The landscape with its filters and its table, and the structure that is open.

import { density, mask, near, points, run as fetchRun, pool as fetchPool, RequestError, structureOfRow } from "./api.js";
import { byId, fill, html, set } from "./dom.js";
import { DownloadMenu } from "./download.js";
import { Filters } from "./filters.js";
import { counted, number, whole } from "./format.js";
import { colourOf, lookOf, showLegend } from "./legend.js";
import { patiently, problem } from "./problems.js";
import { PointCloud } from "./scatter/points.js";
import { Scatter } from "./scatter/scatter.js";
import { roomy } from "./scatter/view.js";
import { inWords, readClause, readWithin, selection, within } from "./selection.js";
import { go, state } from "./state.js";
import { StructureView } from "./structure_view.js";
import { Table } from "./table.js";

/** @import { About, Column, Pool, Run } from "./types.js" */
/** @import { State } from "./state.js" */
/** @import { Limits } from "./scatter/scatter.js" */

const BINS = 256;

export class StructuresScreen {
  /** @param {About} about */
  constructor(about) {
    this.about = about;
    /** @type {Run | null} */
    this.run = null;
    /** @type {Pool | null} */
    this.pool = null;
    this.matched = 0;
    this.drawnPoints = "";
    this.drawnMask = "";
    this.scatter = new Scatter(byId("landscape"), {
      hover: (point, x, y) => this.#hover(point, x, y),
      open: (point, at) => void this.#openAt(point, at),
      lasso: (corners) => this.#lasso(corners),
      view: (limits) => go({ view: limitsToView(limits) }, { replace: true }),
    });
    this.filters = new Filters(byId("filters"), (column) => (column.name === this.#names().colour ? colourOf(column) : () => null));
    this.table = new Table(byId("table"), { hovered: (row) => this.#hoverRow(row), shown: () => this.#markOpened() });
    this.structure = new StructureView(byId("structure"), { step: (by) => void this.table.step(by) });
    this.download = new DownloadMenu(byId("download-host"));
    this.#wire();
  }

  /** @param {State} now @param {State | null} before */
  async show(now, before) {
    try {
      const entered = before?.screen !== "structures" || before.run !== now.run || before.pool !== now.pool || !this.pool;
      if (entered) await this.#enter(now);
      const { run, pool } = this;
      if (!run || !pool || state().run !== now.run) return;
      const changed = (/** @type {(keyof State)[]} */ names) => entered || names.some((name) => String(before?.[name]) !== String(now[name]));
      this.#showStructure();
      if (changed(["x", "y", "colour"])) this.#showChoices();
      if (changed(["where", "within", "x", "y", "colour", "view"])) void this.#showLandscape().catch((error) => this.#fail(error));
      if (changed(["where", "within", "colour"])) void this.filters.refresh();
      if (changed(["where", "within", "sort", "descending", "columns", "x", "y", "colour"])) void this.table.refresh();
      else this.table.mark();
      this.#showChips();
    } catch (error) {
      this.#fail(error);
    }
  }

  /** The colours changed: light or dark. */
  repaint() {
    if (!this.pool) return;
    this.#paint();
    void this.filters.refresh();
    this.structure.crystal.redraw();
  }

  /** @param {"move" | "lasso"} tool */
  use(tool) {
    this.scatter.tool = tool;
    byId("landscape").dataset.tool = tool;
    for (const button of document.querySelectorAll("[data-use]")) button.setAttribute("aria-pressed", String(button.getAttribute("data-use") === tool));
  }

  /** Take all filters and lassos away. */
  clear() {
    go({ where: [], within: [] });
  }

  /** See all of the landscape. */
  home() {
    this.scatter.look(null);
    go({ view: [] });
  }

  /** @param {State} now */
  async #enter(now) {
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    this.pool = null;
    this.drawnPoints = "";
    this.#cover("Reading the pool");
    const reading = (/** @type {string} */ name) => patiently(() => fetchPool(now.run, name, signal), (words) => this.#cover(words), signal);
    // Both at once, where the address names the pool.
    const named = now.pool ? reading(now.pool) : null;
    named?.catch(() => undefined);
    this.run = await fetchRun(now.run, signal);
    const pools = Object.keys(this.run.pools);
    const name = now.pool || this.run.last_pool || pools[0] || "";
    fill(byId("pool"), ...pools.map((pool) => html("option", { value: pool, selected: pool === name }, `${pool} (${whole(this.run?.pools[pool] ?? 0)})`)));
    if (!name) {
      this.#cover("This run has no structures yet: its progress shows how far it is.");
      return;
    }
    const pool = await (named ?? reading(name));
    this.pool = pool;
    this.filters.load(pool);
    this.table.load(pool);
    fill(byId("remarks"), ...pool.remarks.map((remark) => html("p", {}, remark)));
    this.#cover(pool.structures ? null : "This pool is empty.");
  }

  #names() {
    const now = state();
    const usual = this.pool?.default;
    return { x: now.x || usual?.x || "", y: now.y || usual?.y || "", colour: now.colour === "none" ? "" : now.colour || usual?.colour || "" };
  }

  /** @param {string} name */
  #column(name) {
    return this.pool?.columns.find((column) => column.name === name);
  }

  #showChoices() {
    const names = this.#names();
    const columns = this.pool?.columns ?? [];
    const options = (/** @type {Column[]} */ some, /** @type {string} */ chosen) =>
      some.map((column) => html("option", { value: column.name, selected: column.name === chosen }, column.label));
    const plotted = columns.filter((column) => column.kind !== "text" && column.count);
    fill(byId("x"), ...options(plotted, names.x));
    fill(byId("y"), ...options(plotted, names.y));
    fill(byId("colour"), html("option", { value: "none", selected: !names.colour }, "one colour"), ...options(columns.filter((column) => column.count), names.colour));
  }

  async #showLandscape() {
    const pool = this.pool;
    const names = this.#names();
    const [x, y] = [this.#column(names.x), this.#column(names.y)];
    if (!pool) return;
    if (!x || !y) return this.#cover("There are no two numbers here that could be plotted; the table has what there is.");
    this.plotting?.abort();
    this.plotting = new AbortController();
    const { signal } = this.plotting;
    const all = selection({ ...state(), run: pool.run, pool: pool.pool, where: [], within: [] });
    const limits = limitsOf(x, y);
    const wanted = [pool.run, pool.pool, pool.version, names.x, names.y, names.colour].join("\n");
    if (wanted !== this.drawnPoints) {
      byId("landscape").setAttribute("aria-busy", "true");
      const many = pool.structures > this.about.limits.points;
      const cloud = many ? null : await this.#fetchPoints(all, names, signal);
      if (signal.aborted) return undefined;
      this.cloud = cloud;
      this.drawnPoints = wanted;
      this.drawnMask = "";
      this.scatter.load(cloud, limits, { x: x.label, y: y.label });
      this.scatter.look(null);
      await this.#showStar();
    }
    const { view } = state();
    this.scatter.look(view.length ? viewToLimits(view) : null);
    await this.#showMask(signal);
    if (!this.cloud) await this.#showDensity(names, signal);
    this.#paint();
    this.#markOpened();
    byId("landscape").setAttribute("aria-busy", "false");
    return undefined;
  }

  /**
   * @param {import("./api.js").Selection} all
   * @param {{x: string, y: string, colour: string}} names
   * @param {AbortSignal} signal
   */
  async #fetchPoints(all, names, signal) {
    try {
      const found = await points(all, { ...names, colour: names.colour || null }, signal);
      return new PointCloud(found.buffer, this.pool?.structures ?? 0);
    } catch (error) {
      if (error instanceof RequestError && error.status === 413) return null;
      throw error;
    }
  }

  /** @param {AbortSignal} signal */
  async #showMask(signal) {
    const pool = this.pool;
    if (!pool) return;
    const now = state();
    const wanted = JSON.stringify([now.where, now.within]);
    if (wanted !== this.drawnMask) {
      const any = now.where.length + now.within.length > 0;
      const found = any ? await mask(selection({ ...now, run: pool.run, pool: pool.pool }), signal) : null;
      if (signal.aborted) return;
      this.matched = found ? found.count : pool.structures;
      this.cloud?.show(found?.bits ?? null);
      this.drawnMask = wanted;
      this.scatter.reshow();
    }
    const names = this.#names();
    this.scatter.lassos = now.within.map(readWithin).filter((lasso) => lasso && lasso.x === names.x && lasso.y === names.y).map((lasso) => lasso?.corners ?? []);
    this.download.show(this.about, pool, this.matched);
    const left = this.cloud ? pool.structures - this.cloud.count : 0;
    fill(byId("count"), html("b", {}, whole(this.matched)), this.matched === pool.structures ? " structures" : ` of ${counted(pool.structures, "structure")}`,
      left ? html("span", { class: "hint" }, ` (${whole(left)} without these numbers)`) : null);
  }

  /** @param {{x: string, y: string}} names @param {AbortSignal} signal */
  async #showDensity(names, signal) {
    const pool = this.pool;
    if (!pool) return;
    const { left, right, bottom, top } = this.scatter.view;
    const parameters = { x: names.x, y: names.y, xmin: left, xmax: right, ymin: bottom, ymax: top, nx: BINS, ny: BINS };
    const tile = await density(selection({ ...state(), run: pool.run, pool: pool.pool }), parameters, signal);
    if (!signal.aborted) this.scatter.showDensity({ ...tile, nx: BINS, ny: BINS });
  }

  #paint() {
    const column = this.#column(this.#names().colour);
    this.scatter.colour(lookOf(column));
    showLegend(byId("legend"), this.cloud ? column : undefined, this.scatter.marks.star !== null);
  }

  async #showStar() {
    const star = this.pool?.experiment;
    this.scatter.mark({ star: star ? this.#placeOf(star.row) : null });
  }

  /** @param {number} row @returns {[number, number] | null} */
  #placeOf(row) {
    const point = this.cloud?.ofRow[row] ?? -1;
    return this.cloud && point >= 0 ? [this.cloud.x(point), this.cloud.y(point)] : null;
  }

  #markOpened() {
    const { id } = state();
    const row = this.table.page?.rows.find((each) => each.id === id)?.row ?? (this.opened?.id === id ? this.opened.row : -1);
    this.scatter.mark({ opened: id ? this.#placeOf(row) : null });
  }

  #showStructure() {
    const { id } = state();
    document.body.classList.toggle("with-structure", id !== "");
    byId("structure").toggleAttribute("inert", id === "");
    if (id && this.run) void this.structure.show(this.run, this.pool, this.about);
    this.#markOpened();
  }

  #showChips() {
    const { where, within: lassos } = state();
    const chip = (/** @type {string} */ words, /** @type {() => void} */ remove) =>
      html("button", { type: "button", class: "chip removable", "aria-label": `remove: ${words}`, onclick: remove }, words, html("span", { "aria-hidden": "true" }, "\u00d7"));
    const chips = where.map((text) => {
      const read = readClause(text);
      const words = read ? inWords(read.filter, this.#column(read.name), number) : text;
      return chip(words, () => go({ where: state().where.filter((each) => each !== text) }));
    });
    const drawn = lassos.map((text, i) => chip(lassos.length > 1 ? `lasso ${i + 1}` : "lasso", () => go({ within: state().within.filter((each) => each !== text) })));
    const all = where.length + lassos.length > 1 ? html("button", { type: "button", class: "quiet", onclick: () => this.clear() }, "clear all") : null;
    fill(byId("chips"), ...chips, ...drawn, all);
  }

  /** @param {number} point @param {number} x @param {number} y */
  #hover(point, x, y) {
    const tip = byId("tip");
    clearTimeout(this.asking);
    tip.hidden = point < 0 || !this.cloud;
    if (point < 0 || !this.cloud) return;
    const names = this.#names();
    const rows = [[this.#column(names.x), this.cloud.x(point)], [this.#column(names.y), this.cloud.y(point)]];
    const colour = this.#column(names.colour);
    const value = this.cloud.colour(point);
    const lines = rows.map(([column, at]) => html("div", {}, `${/** @type {Column} */ (column)?.label}: `, html("b", {}, number(Number(Number(at).toPrecision(6))))));
    if (colour && !Number.isNaN(value)) {
      const shown = colour.kind === "text" ? String(colour.values?.[value]?.[0] ?? "") : number(Number(value.toPrecision(6)));
      lines.push(html("div", {}, `${colour.label}: `, html("b", {}, shown)));
    }
    const title = html("div", { class: "tip-title" }, "\u00a0");
    fill(tip, title, ...lines);
    const box = byId("landscape").getBoundingClientRect();
    set(tip, { "data-side": x > box.width / 2 ? "left" : "right" });
    tip.style.left = `${x}px`;
    tip.style.top = `${Math.min(y, box.height - 90)}px`;
    const row = this.cloud.row(point);
    this.asking = setTimeout(() => void this.#idOf(row).then((id) => fill(title, id)).catch(() => undefined), 90);
  }

  /** @param {number | null} row */
  #hoverRow(row) {
    this.scatter.mark({ hovered: row === null ? null : this.#placeOf(row) });
  }

  /** @param {number} row @returns {Promise<string>} */
  async #idOf(row) {
    const known = this.table.page?.rows.find((each) => each.row === row);
    if (known) return known.id;
    if (!this.pool) return "";
    return (await structureOfRow(this.pool.run, this.pool.pool, this.pool.version, row)).id;
  }

  /** @param {number} point @param {[number, number]} at */
  async #openAt(point, at) {
    const pool = this.pool;
    if (!pool) return;
    try {
      if (point >= 0 && this.cloud) {
        const row = this.cloud.row(point);
        const id = await this.#idOf(row);
        this.opened = { id, row };
        go({ id });
      } else if (!this.cloud) {
        const { view } = this.scatter;
        const scale = [(view.right - view.left) / view.width, (view.top - view.bottom) / view.height].join(",");
        const { x, y } = this.#names();
        const found = await near(selection({ ...state(), run: pool.run, pool: pool.pool }), { x, y, at: at.join(","), scale });
        if (found) go({ id: found.id });
      }
    } catch (error) {
      this.#fail(error);
    }
  }

  /** @param {[number, number][]} corners */
  #lasso(corners) {
    const { x, y } = this.#names();
    this.use("move");
    go({ within: [within({ x, y, corners })] });
  }

  /** @param {string | null} words */
  #cover(words) {
    byId("cover").hidden = words === null;
    fill(byId("cover"), words);
  }

  /** @param {unknown} error */
  #fail(error) {
    if (error instanceof DOMException && error.name === "AbortError") return;
    byId("cover").hidden = false;
    fill(byId("cover"), problem(error, () => { this.pool = null; this.drawnPoints = ""; void this.show(state(), null); }));
  }

  #wire() {
    const chosen = (/** @type {string} */ id) => /** @type {HTMLSelectElement} */ (byId(id)).value;
    for (const axis of /** @type {const} */ (["x", "y"])) byId(axis).addEventListener("change", () => go({ [axis]: chosen(axis), view: [] }));
    byId("colour").addEventListener("change", () => go({ colour: chosen("colour") }));
    byId("pool").addEventListener("change", () => go({ pool: chosen("pool"), where: [], within: [], view: [], x: "", y: "", colour: "", sort: "", columns: [], id: "" }));
    for (const button of document.querySelectorAll("[data-use]")) button.addEventListener("click", () => this.use(button.getAttribute("data-use") === "lasso" ? "lasso" : "move"));
    byId("home").addEventListener("click", () => this.home());
  }
}

/** @param {Column} x @param {Column} y @returns {Limits} */
function limitsOf(x, y) {
  const [left, right] = roomy(x.min, x.max);
  const [bottom, top] = roomy(y.min, y.max);
  return { left, right, bottom, top };
}

/** @param {Limits} limits */
function limitsToView({ left, right, bottom, top }) {
  return [left, right, bottom, top].map((each) => Number(each.toPrecision(7)));
}

/** @param {number[]} view @returns {Limits} */
function viewToLimits([left, right, bottom, top]) {
  return { left, right, bottom, top };
}
