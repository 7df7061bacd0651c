// The landscape: points or their density, axes, the star of the experiment, and what the pointer does.

import { html, svg, fill } from "../dom.js";
import { isDark } from "../theme.js";
import { axes } from "./axes.js";
import { drawDensity } from "./density.js";
import { rounded, thinned } from "./lasso.js";
import { Picker } from "./picking.js";
import { pointSize, Renderer } from "./renderer.js";
import { fromX, fromY, moved, toX, toY, zoomed } from "./view.js";

/** @import { View } from "./view.js" */
/** @import { PointCloud } from "./points.js" */
/** @import { Look } from "./renderer.js" */
/** @import { Tile } from "./density.js" */

/** @typedef {{left: number, right: number, bottom: number, top: number}} Limits */

/**
 * @typedef {object} Events
 * @property {(point: number, x: number, y: number) => void} hover point of the cloud, -1 for none; pixels in the host
 * @property {(point: number, at: [number, number]) => void} open where clicked, in the data
 * @property {(corners: [number, number][]) => void} lasso drawn, in the data
 * @property {(limits: Limits) => void} view zoomed or moved, once it rests
 */

const MARGINS = { left: 62, top: 10, right: 14, bottom: 46 };
const REACH = 12;

export class Scatter {
  /** @param {HTMLElement} host @param {Events} events */
  constructor(host, events) {
    this.host = host;
    this.events = events;
    this.labels = { x: "", y: "" };
    /** @type {Limits} */
    this.limits = { left: 0, right: 1, bottom: 0, top: 1 };
    /** @type {PointCloud | null} */
    this.cloud = null;
    /** @type {Tile | null} */
    this.tile = null;
    /** @type {[number, number][][]} lassos, in the data */
    this.lassos = [];
    /** @type {{star: [number, number] | null, opened: [number, number] | null, hovered: [number, number] | null}} */
    this.marks = { star: null, opened: null, hovered: null };
    /** @type {Picker | undefined} */
    this.picker = undefined;
    this.tool = "move";
    this.canvas = html("canvas", { class: "points cloud", "aria-hidden": "true" });
    this.heat = html("canvas", { class: "points heat", hidden: true, "aria-hidden": "true" });
    this.grid = svg("svg", { class: "axes", "aria-hidden": "true" });
    this.overlay = svg("svg", { class: "overlay", "aria-hidden": "true" });
    host.append(this.grid, this.heat, this.canvas, this.overlay);
    this.renderer = new Renderer(this.canvas);
    /** @type {View} */
    this.view = { ...this.limits, width: 1, height: 1 };
    new ResizeObserver(() => this.#resize()).observe(host);
    this.#resize();
    this.#listen();
  }

  /**
   * @param {PointCloud | null} cloud
   * @param {Limits} limits
   * @param {{x: string, y: string}} labels
   */
  load(cloud, limits, labels) {
    this.cloud = cloud;
    this.labels = labels;
    this.limits = limits;
    this.picker = undefined;
    if (cloud) this.renderer.load(cloud);
    else this.renderer.count = 0;
    this.tile = null;
    this.heat.hidden = true;
    this.marks.hovered = null;
  }

  /** @param {Tile | null} tile */
  showDensity(tile) {
    this.tile = tile;
    this.heat.hidden = !tile;
    this.redraw();
  }

  /** @param {Look} look */
  colour(look) {
    this.renderer.colour(look);
    this.redraw();
  }

  /** Other points are shown now. */
  reshow() {
    if (this.cloud) this.renderer.show(this.cloud);
    this.redraw();
  }

  /** @param {Limits | null} limits null: all of it */
  look(limits) {
    this.view = { ...this.view, ...(limits ?? this.limits) };
    this.redraw();
  }

  /** @param {Partial<typeof this.marks>} marks */
  mark(marks) {
    Object.assign(this.marks, marks);
    this.#drawOverlay();
  }

  /** @param {number} factor */
  zoom(factor) {
    this.#become(zoomed(this.view, factor, this.view.width / 2, this.view.height / 2));
  }

  redraw() {
    this.#wanted ??= requestAnimationFrame(() => {
      this.#wanted = undefined;
      this.#draw();
    });
  }

  /** @type {number | undefined} */
  #wanted = undefined;

  #draw() {
    fill(this.grid, ...axes(this.view, MARGINS, this.labels));
    this.renderer.draw(this.view);
    if (this.tile) drawDensity(this.heat, this.view, this.tile, isDark());
    this.#drawOverlay();
  }

  #resize() {
    const { width, height } = this.host.getBoundingClientRect();
    this.view = {
      ...this.view,
      width: Math.max(width - MARGINS.left - MARGINS.right, 10),
      height: Math.max(height - MARGINS.top - MARGINS.bottom, 10),
    };
    for (const drawn of [this.canvas, this.heat, this.overlay]) {
      drawn.style.left = `${MARGINS.left}px`;
      drawn.style.top = `${MARGINS.top}px`;
      drawn.style.width = `${this.view.width}px`;
      drawn.style.height = `${this.view.height}px`;
    }
    this.redraw();
  }

  #drawOverlay() {
    const at = (/** @type {[number, number]} */ [x, y]) => [toX(this.view, x), toY(this.view, y)];
    const path = (/** @type {number[][]} */ corners) => `M${corners.map((corner) => corner.join(" ")).join("L")}Z`;
    const shapes = this.lassos.map((corners) => svg("path", { d: path(corners.map(at)), class: "lasso" }));
    if (this.#drawn.length > 1) shapes.push(svg("path", { d: path(this.#drawn), class: "lasso drawing" }));
    const rings = [];
    const radius = pointSize(this.cloud?.count ?? 1e6) / 2 + 3.5;
    for (const kind of /** @type {const} */ (["hovered", "opened"])) {
      const mark = this.marks[kind];
      if (!mark) continue;
      const [cx, cy] = at(mark);
      const starred = this.marks.star?.join() === mark.join();
      rings.push(svg("circle", { cx, cy, r: starred ? 14 : radius + (kind === "opened" ? 1.5 : 0), class: `ring ${kind}` }));
    }
    const star = this.marks.star ? [svg("path", { d: starPath(at(this.marks.star)), class: "star" })] : [];
    fill(this.overlay, ...shapes, ...star, ...rings);
  }

  /** @type {[number, number][]} of the lasso that is being drawn, pixels */
  #drawn = [];

  #listen() {
    const host = this.host;
    /** @type {{x: number, y: number, moved: boolean} | null} */
    let held = null;
    const place = (/** @type {MouseEvent} */ event) => {
      const box = host.getBoundingClientRect();
      return /** @type {[number, number]} */ ([event.clientX - box.left - MARGINS.left, event.clientY - box.top - MARGINS.top]);
    };
    host.addEventListener("pointerdown", (event) => {
      if (event.button !== 0) return;
      const [x, y] = place(event);
      held = { x, y, moved: false };
      this.#drawn = this.#lassoing(event) ? [[x, y]] : [];
      host.setPointerCapture(event.pointerId);
    });
    host.addEventListener("pointermove", (event) => {
      const [x, y] = place(event);
      if (!held) return this.#hover(x, y);
      if (!held.moved && Math.hypot(x - held.x, y - held.y) < 4) return undefined;
      held.moved = true;
      if (this.#drawn.length) {
        this.#drawn.push([x, y]);
        this.#drawOverlay();
      } else {
        this.#become(moved(this.view, x - held.x, y - held.y));
        held = { x, y, moved: true };
      }
      return undefined;
    });
    const release = (/** @type {PointerEvent} */ event) => {
      const was = held;
      held = null;
      const drawn = thinned(this.#drawn);
      this.#drawn = [];
      if (!was || event.type === "pointercancel") return this.#drawOverlay();
      if (!was.moved) return this.events.open(this.#under(was.x, was.y), this.#inData([was.x, was.y]));
      this.#drawOverlay();
      if (drawn.length >= 3) this.events.lasso(drawn.map((corner) => this.#inData(corner)));
      return undefined;
    };
    host.addEventListener("pointerup", release);
    host.addEventListener("pointercancel", release);
    host.addEventListener("pointerleave", () => this.#hover(-1e9, -1e9));
    host.addEventListener("dblclick", () => this.#become({ ...this.view, ...this.limits }));
    const wheel = (/** @type {WheelEvent} */ event) => {
      event.preventDefault();
      const [x, y] = place(event);
      this.#become(zoomed(this.view, Math.exp(Math.max(-60, Math.min(60, event.deltaY)) * 0.003), x, y));
    };
    host.addEventListener("wheel", wheel, { passive: false });
  }

  /** @param {PointerEvent} event */
  #lassoing(event) {
    return (this.tool === "lasso") !== event.shiftKey;
  }

  /** @param {[number, number]} corner @returns {[number, number]} */
  #inData([x, y]) {
    const { left, right, bottom, top, width, height } = this.view;
    return [
      rounded(fromX(this.view, x), (right - left) / width),
      rounded(fromY(this.view, y), (top - bottom) / height),
    ];
  }

  /** @param {number} x @param {number} y */
  #under(x, y) {
    if (!this.cloud || x < -REACH || y < -REACH) return -1;
    // Sorting a million points takes a while: once, when the pointer comes, not before the first view.
    this.picker ??= new Picker(this.cloud, this.limits);
    return this.picker.nearest(this.view, x, y, REACH);
  }

  /** @param {number} x @param {number} y */
  #hover(x, y) {
    const point = this.#under(x, y);
    this.marks.hovered = point < 0 || !this.cloud ? null : [this.cloud.x(point), this.cloud.y(point)];
    this.host.classList.toggle("pointing", point >= 0);
    this.#drawOverlay();
    if (this.marks.hovered) {
      const [px, py] = [toX(this.view, this.marks.hovered[0]), toY(this.view, this.marks.hovered[1])];
      this.events.hover(point, px + MARGINS.left, py + MARGINS.top);
    } else this.events.hover(-1, 0, 0);
  }

  /** @type {ReturnType<typeof setTimeout> | undefined} */
  #resting = undefined;

  /** @param {View} view */
  #become(view) {
    this.view = view;
    this.redraw();
    clearTimeout(this.#resting);
    this.#resting = setTimeout(() => {
      const { left, right, bottom, top } = this.view;
      this.events.view({ left, right, bottom, top });
    }, 250);
  }
}

/** @param {number[]} centre */
function starPath([x, y]) {
  const corners = [];
  for (let i = 0; i < 10; i++) {
    const radius = i % 2 ? 4.6 : 11;
    const turn = (Math.PI * i) / 5 - Math.PI / 2;
    corners.push(`${(x + radius * Math.cos(turn)).toFixed(1)} ${(y + radius * Math.sin(turn)).toFixed(1)}`);
  }
  return `M${corners.join("L")}Z`;
}
