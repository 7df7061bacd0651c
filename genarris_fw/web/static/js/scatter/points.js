// The points as they came: 16 bytes each, float32 x, y, colour and uint32 row.

export const BYTES = 16;

export class PointCloud {
  /** @param {ArrayBuffer} buffer @param {number} structures rows of the pool */
  constructor(buffer, structures) {
    this.buffer = buffer;
    this.count = buffer.byteLength / BYTES;
    this.floats = new Float32Array(buffer);
    this.words = new Uint32Array(buffer);
    /** 0: filtered out, 1: shown; by point */
    this.shown = new Uint8Array(this.count).fill(1);
    this.shownCount = this.count;
    /** @type {Int32Array} point of a row, -1 where the row has none */
    this.ofRow = new Int32Array(structures).fill(-1);
    for (let i = 0; i < this.count; i++) this.ofRow[this.words[4 * i + 3]] = i;
  }

  /** @param {number} i */
  x(i) {
    return this.floats[4 * i];
  }

  /** @param {number} i */
  y(i) {
    return this.floats[4 * i + 1];
  }

  /** @param {number} i */
  colour(i) {
    return this.floats[4 * i + 2];
  }

  /** @param {number} i */
  row(i) {
    return this.words[4 * i + 3];
  }

  /**
   * Show those whose bit is set; all without bits.
   * @param {Uint8Array | null} bits by row, the lowest first
   */
  show(bits) {
    this.shownCount = 0;
    for (let i = 0; i < this.count; i++) {
      const row = this.words[4 * i + 3];
      const is = bits ? (bits[row >> 3] >> (row & 7)) & 1 : 1;
      this.shown[i] = is;
      this.shownCount += is;
    }
  }
}
