// Requests to the server that the page came from, and to no other.

/** @import { About, Crystal, Failure, Histogram, Points, Pool, Run, RunLine, Structure, TablePage } from "./types.js" */

/** @typedef {[string, string][]} Selection run, pool and clauses as the server takes them */
/** @typedef {Record<string, string | number | boolean | null | undefined>} Parameters */

// Of what the server takes in one line; only some questions may be asked otherwise.
const LONGEST_URL = 30000;

/** What the server, or the way to it, had against a request: in one line. */
export class RequestError extends Error {
  /**
   * @param {string} message
   * @param {number} status 0 where no server answered
   * @param {{done: number, of: number} | null} loading how far a pool is read that is not ready yet
   */
  constructor(message, status, loading = null) {
    super(message);
    this.status = status;
    this.loading = loading;
  }
}

/** @returns {Promise<About>} */
export const about = () => json("about");

/** @returns {Promise<RunLine[]>} */
export const runs = () => json("runs");

/** @param {string} run @param {AbortSignal} [signal] @returns {Promise<Run>} */
export const run = (run, signal) => json("run", [], { run }, signal);

/**
 * @param {string} run
 * @param {string | null} after
 * @returns {Promise<{failures: Failure[], next: string | null}>}
 */
export const failures = (run, after) => json("failures", [], { run, after });

/** @param {string} run @param {string} pool @param {AbortSignal} [signal] @returns {Promise<Pool>} */
export const pool = (run, pool, signal) => json("pool", [["run", run], ["pool", pool]], {}, signal);

/**
 * @param {Selection} selection
 * @param {{x: string, y: string, colour: string | null}} columns
 * @param {AbortSignal} [signal]
 * @returns {Promise<Points>}
 */
export async function points(selection, columns, signal) {
  const response = await ask("points", selection, columns, signal);
  const buffer = await response.arrayBuffer();
  return { buffer, count: buffer.byteLength / 16, version: response.headers.get("X-Version") ?? "" };
}

/**
 * @param {Selection} selection
 * @param {AbortSignal} [signal]
 * @returns {Promise<{bits: Uint8Array, count: number}>} one bit for each row of the pool, the lowest bit first
 */
export async function mask(selection, signal) {
  const response = await ask("mask", selection, {}, signal);
  const bits = new Uint8Array(await response.arrayBuffer());
  return { bits, count: Number(response.headers.get("X-Count")) };
}

/**
 * @param {Selection} selection
 * @param {Parameters} parameters x, y, colour, limits, nx, ny
 * @param {AbortSignal} [signal]
 * @returns {Promise<{counts: Uint32Array, means: Float32Array | null, extent: number[]}>}
 */
export async function density(selection, parameters, signal) {
  const response = await ask("density", selection, parameters, signal);
  const buffer = await response.arrayBuffer();
  const cells = Number(parameters.nx) * Number(parameters.ny);
  const extent = (response.headers.get("X-Extent") ?? "").split(",").map(Number);
  const means = buffer.byteLength > 4 * cells ? new Float32Array(buffer, 4 * cells, cells) : null;
  return { counts: new Uint32Array(buffer, 0, cells), means, extent };
}

/**
 * @param {Selection} selection
 * @param {string} column
 * @param {number} bins
 * @param {AbortSignal} [signal]
 * @returns {Promise<Histogram>}
 */
export const histogram = (selection, column, bins, signal) => json("histogram", selection, { column, bins }, signal);

/**
 * @param {Selection} selection
 * @param {Parameters} parameters
 * @param {AbortSignal} [signal]
 * @returns {Promise<TablePage>}
 */
export const table = (selection, parameters, signal) => json("table", selection, parameters, signal);

/**
 * @param {Selection} selection
 * @param {Parameters} parameters
 * @param {AbortSignal} [signal]
 * @returns {Promise<{id: string, row: number, x: number, y: number} | null>}
 */
export const near = (selection, parameters, signal) => json("near", selection, parameters, signal);

/** @param {string} run @param {string} id @param {AbortSignal} [signal] @returns {Promise<Structure>} */
export const structure = (run, id, signal) => json("structure", [], { run, id }, signal);

/**
 * @param {string} run
 * @param {string} pool
 * @param {string} version
 * @param {number} row
 * @param {AbortSignal} [signal]
 * @returns {Promise<Structure>}
 */
export const structureOfRow = (run, pool, version, row, signal) =>
  json("structure", [], { run, pool, version, row }, signal);

/**
 * @param {string} run
 * @param {string} id
 * @param {Parameters} parameters
 * @param {AbortSignal} [signal]
 * @returns {Promise<Crystal>}
 */
export const crystal = (run, id, parameters, signal) => json("crystal", [], { run, id, ...parameters }, signal);

/**
 * The address of a download, which the browser saves by itself.
 * @param {Selection} selection
 * @param {string} format
 * @returns {string}
 */
export const downloadUrl = (selection, format) => url("download", selection, { format });

/**
 * @param {string} path
 * @param {Selection} [selection]
 * @param {Parameters} [parameters]
 * @param {AbortSignal} [signal]
 * @returns {Promise<any>}
 */
async function json(path, selection = [], parameters = {}, signal = undefined) {
  return (await ask(path, selection, parameters, signal)).json();
}

/**
 * Ask; what the server has against it is thrown.
 * @param {string} path
 * @param {Selection} selection
 * @param {Parameters} parameters
 * @param {AbortSignal} [signal]
 * @returns {Promise<Response>}
 */
async function ask(path, selection, parameters, signal) {
  const address = url(path, selection, parameters);
  const response = await send(address.length > LONGEST_URL ? posted(path, selection, parameters) : [address, {}], signal);
  if (!response.ok) throw await refusal(response);
  return response;
}

/**
 * @param {[string, RequestInit]} request
 * @param {AbortSignal} [signal]
 */
async function send([address, init], signal) {
  try {
    return await fetch(address, { ...init, signal, credentials: "same-origin" });
  } catch (error) {
    if (error instanceof DOMException && error.name === "AbortError") throw error;
    throw new RequestError("The explorer's server does not answer. Is genarris-fw web still running?", 0);
  }
}

/** @param {Response} response */
async function refusal(response) {
  /** @type {any} */
  const said = await response.json().catch(() => ({}));
  const detail = typeof said.detail === "string" ? said.detail : `the server answered ${response.status}`;
  return new RequestError(detail, response.status, said.loading ?? null);
}

/**
 * @param {string} path
 * @param {Selection} selection
 * @param {Parameters} parameters
 */
function url(path, selection, parameters) {
  const query = new URLSearchParams(selection);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== null && value !== undefined) query.append(name, String(value));
  }
  const text = query.toString();
  return `/api/${path}${text ? `?${text}` : ""}`;
}

/**
 * What is too long for an address, as a body.
 * @param {string} path
 * @param {Selection} selection
 * @param {Parameters} parameters
 * @returns {[string, RequestInit]}
 */
function posted(path, selection, parameters) {
  /** @type {Record<string, unknown>} */
  const body = {};
  for (const [name, value] of selection) {
    if (name === "where" || name === "within") body[name] = [.../** @type {string[]} */ (body[name] ?? []), value];
    else body[name] = value;
  }
  for (const [name, value] of Object.entries(parameters)) if (value !== null && value !== undefined) body[name] = value;
  return [`/api/${path}`, { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(body) }];
}
