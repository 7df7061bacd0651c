// Which point is under the pointer: the points sorted into a grid of cells once, a few cells looked at each time.

import { fromX, fromY, toX, toY } from "./view.js";

/** @import { View } from "./view.js" */
/** @import { PointCloud } from "./points.js" */

const SIDE = 256;

export class Picker {
  /**
   * @param {PointCloud} cloud
   * @param {{left: number, right: number, bottom: number, top: number}} limits of the data
   */
  constructor(cloud, limits) {
    this.cloud = cloud;
    this.limits = limits;
    this.start = new Uint32Array(SIDE * SIDE + 1);
    this.order = new Uint32Array(cloud.count);
    const cells = new Uint32Array(cloud.count);
    for (let i = 0; i < cloud.count; i++) {
      cells[i] = this.#column(cloud.x(i)) + SIDE * this.#line(cloud.y(i));
      this.start[cells[i] + 1]++;
    }
    for (let cell = 0; cell < SIDE * SIDE; cell++) this.start[cell + 1] += this.start[cell];
    const next = this.start.slice();
    for (let i = 0; i < cloud.count; i++) this.order[next[cells[i]]++] = i;
  }

  /**
   * The nearest shown point within some pixels.
   * @param {View} view
   * @param {number} x pixels
   * @param {number} y pixels
   * @param {number} reach pixels
   * @returns {number} the point, -1 where there is none
   */
  nearest(view, x, y, reach) {
    const across = [this.#column(fromX(view, x - reach)), this.#column(fromX(view, x + reach))];
    const up = [this.#line(fromY(view, y + reach)), this.#line(fromY(view, y - reach))];
    let found = -1;
    let least = reach * reach;
    for (let line = up[0]; line <= up[1]; line++) {
      for (let column = across[0]; column <= across[1]; column++) {
        const cell = column + SIDE * line;
        for (let k = this.start[cell]; k < this.start[cell + 1]; k++) {
          const i = this.order[k];
          if (!this.cloud.shown[i]) continue;
          const dx = toX(view, this.cloud.x(i)) - x;
          const dy = toY(view, this.cloud.y(i)) - y;
          const far = dx * dx + dy * dy;
          if (far <= least) [found, least] = [i, far];
        }
      }
    }
    return found;
  }

  /** @param {number} x */
  #column(x) {
    return place(x, this.limits.left, this.limits.right);
  }

  /** @param {number} y */
  #line(y) {
    return place(y, this.limits.bottom, this.limits.top);
  }
}

/**
 * @param {number} value
 * @param {number} from
 * @param {number} to
 */
function place(value, from, to) {
  const cell = Math.floor((SIDE * (value - from)) / (to - from || 1));
  return cell < 0 ? 0 : cell >= SIDE ? SIDE - 1 : cell || 0;
}
