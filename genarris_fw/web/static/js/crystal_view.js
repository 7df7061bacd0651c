// The crystal in 3D with its controls.

import { crystal as fetchCrystal, RequestError } from "./api.js";
import { createViewer } from "./chemiscope.js";
import { camera, drawn } from "./crystal.js";
import { fill, html } from "./dom.js";
import { icon } from "./icons.js";
import { go, state } from "./state.js";
import { isCalm, variable } from "./theme.js";

/** @import { Crystal, Vector } from "./types.js" */
/** @import { Viewer } from "./chemiscope.js" */

const PARTS = [
  ["cell", "cell", "the unit cell's edges"],
  ["hbonds", "H bonds", "hydrogen bonds"],
  ["experiment", "experiment", "the measured crystal, laid upon this one"],
  ["labels", "labels", "the atoms' elements"],
  ["filling", "space filling", "atoms as large as they are"],
];

export class CrystalView {
  constructor() {
    this.stage = html("div", { class: "stage", role: "img", "aria-label": "the crystal in three dimensions", tabindex: 0 });
    this.notes = html("p", { class: "notes", "aria-live": "polite" });
    this.controls = html("div", { class: "controls" });
    this.element = html("div", { class: "crystal" }, this.stage, this.controls, this.notes);
    /** @type {Crystal | null} */
    this.crystal = null;
    /** @type {Viewer | undefined} */
    this.viewer = undefined;
    this.spinning = false;
    this.hasExperiment = false;
    this.stage.addEventListener("keydown", (event) => this.#key(event));
  }

  /**
   * Draw a structure of a run, as the state says.
   * @param {string} run
   * @param {string} id
   * @param {boolean} hasExperiment
   */
  async show(run, id, hasExperiment) {
    this.hasExperiment = hasExperiment;
    this.asked?.abort();
    this.asked = new AbortController();
    const { signal } = this.asked;
    const { replicas, drawn: parts } = state();
    this.#buildControls();
    this.stage.setAttribute("aria-busy", "true");
    this.stage.setAttribute("aria-label", `the crystal ${id} in three dimensions`);
    const same = this.crystal?.id === id && this.shown === `${replicas} ${parts.includes("experiment")}`;
    try {
      const experiment = parts.includes("experiment") && hasExperiment;
      const asked = { replicas: `${replicas},${replicas},${replicas}`, hydrogen_bonds: true };
      /** @type {string[]} */
      const remarks = [];
      const got = await fetchCrystal(run, id, { ...asked, experiment }, signal).catch((error) => {
        if (!experiment || !(error instanceof RequestError) || error.status === 503) throw error;
        remarks.push(error.message);
        return fetchCrystal(run, id, asked, signal);
      });
      this.viewer ??= await createViewer(this.stage);
      if (signal.aborted) return;
      this.crystal = got;
      this.shown = `${replicas} ${parts.includes("experiment")}`;
      this.redraw(same);
      fill(this.notes, [...remarks, ...this.#remarks(got)].join(". "));
      this.stage.removeAttribute("data-problem");
    } catch (error) {
      if (signal.aborted) return;
      this.stage.setAttribute("data-problem", "");
      fill(this.notes, error instanceof Error ? error.message : String(error));
    } finally {
      if (!signal.aborted) this.stage.setAttribute("aria-busy", "false");
    }
  }

  /** @param {boolean} [keep] where the reader looks from */
  redraw(keep = true) {
    if (!this.viewer || !this.crystal) return;
    const parts = state().drawn;
    const has = (/** @type {string} */ name) => parts.includes(name);
    const colours = { line: variable("--crystal-line"), hbond: variable("--crystal-hbond"), experiment: variable("--star") };
    const shapes = drawn(this.crystal, { cell: has("cell"), hbonds: has("hbonds"), experiment: has("experiment") }, colours);
    this.viewer.applySettings({ shape: "" });
    this.viewer.load(shapes, undefined, { keepOrientation: keep });
    if (!keep) this.#tilt();
    this.viewer.applySettings({
      shape: Object.keys(shapes.shapes).join(","), atomLabels: has("labels"), spaceFilling: has("filling"), rotation: this.spinning,
    });
  }

  /** A little from the side, so that what lies behind is seen. */
  #tilt() {
    const now = this.#camera();
    if (!now || !this.viewer) return;
    const { center, eye, up, zoom } = now;
    const [way, high] = [between(center, eye), vector(up)];
    const side = cross(high, way);
    const [wayTilted, highTilted] = [rotated(way, side, -0.28), rotated(high, side, -0.28)];
    this.viewer.applySettings({ camera: camera(rotated(wayTilted, highTilted, 0.38), highTilted, vector(center), zoom * 0.96) });
  }

  /** @param {Crystal} crystal */
  #remarks(crystal) {
    const { overlay } = crystal;
    const rmsd = typeof overlay?.rmsd === "number" ? `, RMSD ${overlay.rmsd.toFixed(2)} \u00c5` : "";
    const laid = overlay ? [`The measured crystal in one colour: ${overlay.matched} of ${overlay.of} molecules match${rmsd}`] : [];
    return [...laid, ...(crystal.remarks ?? [])];
  }

  #buildControls() {
    const { drawn: parts, replicas } = state();
    const toggle = (/** @type {string} */ name) =>
      go({ drawn: parts.includes(name) ? parts.filter((part) => part !== name) : [...parts, name] }, { replace: true });
    const switches = PARTS.filter(([name]) => name !== "experiment" || this.hasExperiment).map(([name, words, title]) => html(
      "button", { type: "button", class: "toggle", title, "data-part": name, "aria-pressed": String(parts.includes(name)),
        onclick: () => toggle(name) }, words));
    const cells = html(
      "select", { "aria-label": "cells drawn along each axis", onchange: (/** @type {Event} */ event) =>
        go({ replicas: Number(/** @type {HTMLSelectElement} */ (event.target).value) }, { replace: true }) },
      ...[1, 2, 3].map((n) => html("option", { value: n, selected: n === replicas }, n === 1 ? "1 cell" : `${n}\u00d7${n}\u00d7${n}`)),
    );
    const along = ["a", "b", "c"].map((name, i) => html(
      "button", { type: "button", class: "toggle", title: `look along ${name}`, onclick: () => this.#lookAlong(i) }, name));
    const spin = html(
      "button", { type: "button", class: "toggle", "aria-pressed": String(this.spinning), "aria-label": "turn slowly", title: "turn slowly",
        hidden: isCalm(), onclick: () => { this.spinning = !this.spinning; spin.setAttribute("aria-pressed", String(this.spinning));
          this.viewer?.applySettings({ rotation: this.spinning }); } }, icon("spin"));
    fill(this.controls, html("span", { class: "group" }, ...switches), html("span", { class: "group" }, ...along), spin, cells);
  }

  /** @param {number} i of the cell's vectors */
  #lookAlong(i) {
    const now = this.#camera();
    const cell = this.crystal?.cell;
    if (!this.viewer || !cell || !now) return;
    const { x, y, z } = now.center;
    this.viewer.applySettings({ camera: camera(cell[i], cell[(i + 2) % 3], [x, y, z], now.zoom) });
  }

  /** @param {KeyboardEvent} event */
  #key(event) {
    const turn = { ArrowLeft: [0, -1], ArrowRight: [0, 1], ArrowUp: [-1, 0], ArrowDown: [1, 0] }[event.key];
    const now = this.#camera();
    if (!turn || !this.viewer || !now) return;
    event.preventDefault();
    event.stopPropagation();
    const { center, eye, up, zoom } = now;
    const axis = turn[1] ? vector(up) : cross(vector(up), between(center, eye));
    const angle = (0.15 * (turn[0] + turn[1]));
    const turned = rotated(between(center, eye), axis, angle);
    this.viewer.applySettings({ camera: camera(turned, rotated(vector(up), axis, angle), vector(center), zoom) });
  }

  /** Where the reader looks from: known from the first turn on, told by a touch that moves nothing before. */
  #camera() {
    const root = this.stage.firstElementChild?.shadowRoot?.firstElementChild;
    root?.dispatchEvent(new MouseEvent("mouseup"));
    /** @type {{center: Place, eye: Place, up: Place, zoom: number} | undefined} */
    const found = this.viewer?.saveSettings().camera;
    return found ?? null;
  }
}

/** @typedef {{x: number, y: number, z: number}} Place */

/** @param {Place} place @returns {Vector} */
const vector = ({ x, y, z }) => [x, y, z];

/** @param {Place} from @param {Place} to @returns {Vector} */
const between = (from, to) => [to.x - from.x, to.y - from.y, to.z - from.z];

/** @param {Vector} a @param {Vector} b @returns {Vector} */
const cross = (a, b) => [a[1] * b[2] - a[2] * b[1], a[2] * b[0] - a[0] * b[2], a[0] * b[1] - a[1] * b[0]];

/**
 * Turn a vector around an axis (Rodrigues' formula).
 * @param {Vector} v
 * @param {Vector} axis
 * @param {number} angle
 * @returns {Vector}
 */
function rotated(v, axis, angle) {
  const length = Math.hypot(...axis) || 1;
  const [x, y, z] = axis.map((part) => part / length);
  const dot = v[0] * x + v[1] * y + v[2] * z;
  const [cx, cy, cz] = cross([x, y, z], v);
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [v[0] * c + cx * s + x * dot * (1 - c), v[1] * c + cy * s + y * dot * (1 - c), v[2] * c + cz * s + z * dot * (1 - c)];
}
