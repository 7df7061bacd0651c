// A crystal as shapes: its atoms and bonds, the cell, hydrogen bonds as dashes, and the experiment laid upon it.

/** @import { Crystal, Drawing, Vector } from "./types.js" */
/** @import { DrawnStructure } from "./chemiscope.js" */

/** @typedef {{cell: boolean, hbonds: boolean, experiment: boolean}} Wanted */
/** @typedef {{line: string, hbond: string, experiment: string}} Colours */

/**
 * @param {Crystal} crystal
 * @param {Wanted} wanted
 * @param {Colours} colours
 * @returns {DrawnStructure}
 */
export function drawn(crystal, wanted, colours) {
  const overlay = wanted.experiment ? crystal.overlay : undefined;
  const { atoms, bonds } = overlay ? overlay.cluster : crystal;
  const { element, position } = atoms;
  // The hydrogen bonds are those of the cell, not of the cluster.
  const hbonds = wanted.hbonds && !overlay;
  const rods = new Rods();
  if (wanted.cell && crystal.cell) edges(rods, crystal.cell, colours.line);
  if (hbonds) dashes(rods, crystal, colours.hbond);
  if (overlay) sticks(rods, overlay.measured, colours.experiment);
  return {
    size: element.length,
    names: element,
    x: position.map((place) => place[0]),
    y: position.map((place) => place[1]),
    z: position.map((place) => place[2]),
    bonds: bonds.map(([i, j]) => [i, j, 1]),
    shapes: shapes(rods, hbonds ? crystal.ghosts?.position ?? [] : [], colours.hbond),
  };
}

/**
 * @param {Rods} rods
 * @param {Vector[]} ends of hydrogen bonds that lead out of what is drawn
 * @param {string} colour
 */
function shapes(rods, ends, colour) {
  /** @type {Record<string, unknown>} */
  const found = {};
  if (rods.vectors.length) found.lines = rods.shape();
  if (ends.length) found.ends = { kind: "spheres", parameters: { global: { centers: ends, radii: 0.16, colors: colour } } };
  return found;
}

class Rods {
  constructor() {
    /** @type {Vector[]} */
    this.bases = [];
    /** @type {Vector[]} */
    this.vectors = [];
    /** @type {number[]} */
    this.radii = [];
    /** @type {string[]} */
    this.colors = [];
  }

  /** @param {Vector} from @param {Vector} to @param {number} radius @param {string} colour */
  add(from, to, radius, colour) {
    this.bases.push(from);
    this.vectors.push(minus(to, from));
    this.radii.push(radius);
    this.colors.push(colour);
  }

  shape() {
    const { bases, vectors, radii, colors } = this;
    return { kind: "cylinders", parameters: { global: { bases, vectors, radii, colors } } };
  }
}

/** @param {Rods} rods @param {[Vector, Vector, Vector]} cell @param {string} colour */
function edges(rods, cell, colour) {
  for (let along = 0; along < 3; along++) {
    const [other, third] = [cell[(along + 1) % 3], cell[(along + 2) % 3]];
    for (const from of [/** @type {Vector} */ ([0, 0, 0]), other, third, plus(other, third)]) {
      rods.add(from, plus(from, cell[along]), 0.035, colour);
    }
  }
}

/** @param {Rods} rods @param {Crystal} crystal @param {string} colour */
function dashes(rods, crystal, colour) {
  const places = [...crystal.atoms.position, ...(crystal.ghosts?.position ?? [])];
  for (const [i, j] of crystal.hydrogen_bonds ?? []) {
    const [from, way] = [places[i], minus(places[j], places[i])];
    const count = Math.max(3, Math.round(Math.hypot(...way) / 0.32));
    for (let k = 0; k < count; k++) {
      const at = (/** @type {number} */ part) => plus(from, times(way, part / count));
      rods.add(at(k + 0.25), at(k + 0.75), 0.05, colour);
    }
  }
}

/** @param {Rods} rods @param {Drawing} drawing @param {string} colour */
function sticks(rods, { atoms, bonds }, colour) {
  for (const [i, j] of bonds) rods.add(atoms.position[i], atoms.position[j], 0.11, colour);
}

/** @param {Vector} a @param {Vector} b @returns {Vector} */
const plus = (a, b) => [a[0] + b[0], a[1] + b[1], a[2] + b[2]];

/** @param {Vector} a @param {Vector} b @returns {Vector} */
const minus = (a, b) => [a[0] - b[0], a[1] - b[1], a[2] - b[2]];

/** @param {Vector} a @param {number} factor @returns {Vector} */
const times = (a, factor) => [factor * a[0], factor * a[1], factor * a[2]];

/**
 * The middle of what is drawn, and how far it reaches.
 * @param {Vector[]} positions
 * @returns {{centre: Vector, reach: number}}
 */
export function extent(positions) {
  const sum = positions.reduce(plus, /** @type {Vector} */ ([0, 0, 0]));
  const centre = times(sum, 1 / Math.max(positions.length, 1));
  const reach = Math.max(1, ...positions.map((place) => Math.hypot(...minus(place, centre))));
  return { centre, reach };
}

/**
 * A camera for chemiscope that looks along a direction at the crystal.
 * @param {Vector} along
 * @param {Vector} up
 * @param {Vector} centre
 * @param {number} zoom as the viewer has it
 */
export function camera(along, up, centre, zoom) {
  const length = Math.hypot(...along) || 1;
  const eye = plus(centre, times(along, 1 / length));
  const named = (/** @type {Vector} */ [x, y, z]) => ({ x, y, z });
  return { center: named(centre), eye: named(eye), up: named(up), zoom };
}
