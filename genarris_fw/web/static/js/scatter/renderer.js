// Points on the graphics card: one buffer of 16 bytes a point as it came, one byte a point for what is shown.

import { texture } from "../palettes.js";
import { BYTES } from "./points.js";

/** @import { View } from "./view.js" */
/** @import { PointCloud } from "./points.js" */

/**
 * @typedef {object} Look
 * @property {"sequence" | "category" | "plain"} palette
 * @property {[number, number]} range of the colour's values
 * @property {Map<number, number> | null} places of categories: which colour a value has
 * @property {boolean} dark
 * @property {[number, number, number]} plain
 * @property {[number, number, number]} faint of what is filtered out
 */

// A category's value goes through a table of 4096 places; numbers are spread over the palette's 256.
const VERTEX = `#version 300 es
precision highp float;
in vec2 place; in float value; in float shown;
uniform vec2 scale; uniform vec2 shift; uniform float size; uniform vec2 range; uniform float wanted; uniform int kind;
uniform sampler2D table; uniform sampler2D palette; uniform vec3 plain; uniform vec3 faint;
out vec3 colour;
void main() {
  gl_Position = shown == wanted ? vec4(place * scale + shift, 0.0, 1.0) : vec4(2.0, 2.0, 2.0, 1.0);
  gl_PointSize = size;
  if (wanted == 0.0) colour = faint;
  else if (kind == 0 || isnan(value)) colour = kind == 0 ? plain : texelFetch(palette, ivec2(255, 0), 0).rgb;
  if (wanted != 0.0 && kind != 0 && isnan(value)) colour = faint;
  if (wanted != 0.0 && kind == 1 && !isnan(value)) {
    float part = clamp((value - range.x) / max(range.y - range.x, 1e-30), 0.0, 1.0);
    colour = texelFetch(palette, ivec2(int(part * 255.0 + 0.5), 0), 0).rgb;
  }
  if (wanted != 0.0 && kind == 2 && !isnan(value)) {
    int at = clamp(int(value - range.x + 0.5), 0, 4095);
    int category = int(texelFetch(table, ivec2(at, 0), 0).r * 255.0 + 0.5);
    colour = texelFetch(palette, ivec2(category, 0), 0).rgb;
  }
}`;

const FRAGMENT = `#version 300 es
precision highp float;
in vec3 colour; uniform float opacity; uniform float size; out vec4 drawn;
void main() {
  float far = length(gl_PointCoord - 0.5) * size;
  float inside = clamp(size * 0.5 - far + 0.25, 0.0, 1.0);
  if (inside == 0.0) discard;
  drawn = vec4(colour, 1.0) * (inside * opacity);
}`;

const KINDS = { plain: 0, sequence: 1, category: 2 };

export class Renderer {
  /** @param {HTMLCanvasElement} canvas */
  constructor(canvas) {
    const gl = canvas.getContext("webgl2", { antialias: false, premultipliedAlpha: true, preserveDrawingBuffer: true });
    if (!gl) throw new Error("This browser has no WebGL 2, which draws the points.");
    this.canvas = canvas;
    this.gl = gl;
    this.count = 0;
    this.anyHidden = false;
    this.#prepare();
    canvas.addEventListener("webglcontextlost", (event) => event.preventDefault());
  }

  #prepare() {
    const gl = this.gl;
    this.program = linked(gl);
    this.points = gl.createBuffer();
    this.shown = gl.createBuffer();
    gl.bindVertexArray(gl.createVertexArray());
    gl.bindBuffer(gl.ARRAY_BUFFER, this.points);
    this.#attribute("place", 2, gl.FLOAT, BYTES, 0);
    this.#attribute("value", 1, gl.FLOAT, BYTES, 8);
    gl.bindBuffer(gl.ARRAY_BUFFER, this.shown);
    this.#attribute("shown", 1, gl.UNSIGNED_BYTE, 1, 0);
    this.table = pixels(gl, 0);
    this.palette = pixels(gl, 1);
    gl.useProgram(this.program);
    gl.uniform1i(this.#place("table"), 0);
    gl.uniform1i(this.#place("palette"), 1);
    gl.enable(gl.BLEND);
    gl.blendFunc(gl.ONE, gl.ONE_MINUS_SRC_ALPHA);
  }

  /** @param {PointCloud} cloud */
  load(cloud) {
    const gl = this.gl;
    this.count = cloud.count;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.points ?? null);
    gl.bufferData(gl.ARRAY_BUFFER, cloud.buffer, gl.STATIC_DRAW);
    this.show(cloud);
  }

  /** @param {PointCloud} cloud of which other points are shown now */
  show(cloud) {
    const gl = this.gl;
    this.anyHidden = cloud.shownCount < cloud.count;
    gl.bindBuffer(gl.ARRAY_BUFFER, this.shown ?? null);
    gl.bufferData(gl.ARRAY_BUFFER, cloud.shown, gl.DYNAMIC_DRAW);
  }

  /** @param {Look} look */
  colour(look) {
    const gl = this.gl;
    this.look = look;
    const table = new Uint8Array(4096).fill(255);
    look.places?.forEach((place, value) => {
      if (value - look.range[0] < 4096) table[Math.round(value - look.range[0])] = Math.min(place, 255);
    });
    gl.activeTexture(gl.TEXTURE0);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.R8, 4096, 1, 0, gl.RED, gl.UNSIGNED_BYTE, table);
    gl.activeTexture(gl.TEXTURE1);
    const row = texture(look.palette === "sequence" ? "sequence" : "category", look.dark);
    gl.texImage2D(gl.TEXTURE_2D, 0, gl.RGBA, 256, 1, 0, gl.RGBA, gl.UNSIGNED_BYTE, row);
  }

  /** @param {View} view */
  draw(view) {
    const gl = this.gl;
    const ratio = window.devicePixelRatio || 1;
    const [width, height] = [Math.round(view.width * ratio), Math.round(view.height * ratio)];
    if (this.canvas.width !== width || this.canvas.height !== height) {
      this.canvas.width = width;
      this.canvas.height = height;
    }
    gl.viewport(0, 0, width, height);
    gl.clearColor(0, 0, 0, 0);
    gl.clear(gl.COLOR_BUFFER_BIT);
    if (!this.count || !this.look) return;
    const scale = [2 / (view.right - view.left), 2 / (view.top - view.bottom)];
    gl.uniform2f(this.#place("scale"), scale[0], scale[1]);
    gl.uniform2f(this.#place("shift"), -1 - view.left * scale[0], -1 - view.bottom * scale[1]);
    gl.uniform2f(this.#place("range"), this.look.range[0], this.look.range[1]);
    gl.uniform1i(this.#place("kind"), KINDS[this.look.palette]);
    gl.uniform3fv(this.#place("plain"), this.look.plain);
    gl.uniform3fv(this.#place("faint"), this.look.faint);
    gl.uniform1f(this.#place("size"), pointSize(this.count) * ratio);
    if (this.anyHidden) this.#pass(0, 0.35);
    this.#pass(1, this.count > 20000 ? 0.55 : 0.88);
  }

  /** @param {number} wanted @param {number} opacity */
  #pass(wanted, opacity) {
    const gl = this.gl;
    gl.uniform1f(this.#place("wanted"), wanted);
    gl.uniform1f(this.#place("opacity"), opacity);
    gl.drawArrays(gl.POINTS, 0, this.count);
  }

  /** @type {Map<string, WebGLUniformLocation | null>} */
  #places = new Map();

  /** @param {string} name */
  #place(name) {
    if (!this.#places.has(name)) {
      this.#places.set(name, this.program ? this.gl.getUniformLocation(this.program, name) : null);
    }
    return this.#places.get(name) ?? null;
  }

  /**
   * @param {string} name
   * @param {number} size
   * @param {number} type
   * @param {number} stride
   * @param {number} offset
   */
  #attribute(name, size, type, stride, offset) {
    if (!this.program) return;
    const at = this.gl.getAttribLocation(this.program, name);
    this.gl.enableVertexAttribArray(at);
    this.gl.vertexAttribPointer(at, size, type, false, stride, offset);
  }
}

/**
 * Few points are large, many small.
 * @param {number} count
 * @returns {number} pixels across
 */
export function pointSize(count) {
  return Math.min(10, Math.max(2, 19 - 2.9 * Math.log10(Math.max(count, 1))));
}

/** @param {WebGL2RenderingContext} gl */
function linked(gl) {
  const program = gl.createProgram();
  for (const [type, source] of /** @type {[number, string][]} */ ([[gl.VERTEX_SHADER, VERTEX], [gl.FRAGMENT_SHADER, FRAGMENT]])) {
    const shader = gl.createShader(type);
    if (!shader) throw new Error("The graphics card takes no shader.");
    gl.shaderSource(shader, source);
    gl.compileShader(shader);
    gl.attachShader(program, shader);
  }
  gl.linkProgram(program);
  if (!gl.getProgramParameter(program, gl.LINK_STATUS)) throw new Error(gl.getProgramInfoLog(program) ?? "no program");
  return program;
}

/** @param {WebGL2RenderingContext} gl @param {number} unit */
function pixels(gl, unit) {
  const made = gl.createTexture();
  gl.activeTexture(gl.TEXTURE0 + unit);
  gl.bindTexture(gl.TEXTURE_2D, made);
  gl.pixelStorei(gl.UNPACK_ALIGNMENT, 1);
  for (const [name, value] of [[gl.TEXTURE_MIN_FILTER, gl.NEAREST], [gl.TEXTURE_MAG_FILTER, gl.NEAREST]]) {
    gl.texParameteri(gl.TEXTURE_2D, name, value);
  }
  return made;
}
