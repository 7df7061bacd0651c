// What the page shows is written in its address, after the #: a link shows the same, and Back goes back.

/**
 * @typedef {object} State
 * @property {"runs" | "progress" | "structures"} screen
 * @property {string} run
 * @property {string} pool empty: the last one
 * @property {string} x empty: the pool's default; likewise y and colour
 * @property {string} y
 * @property {string} colour
 * @property {string[]} where clauses, as the server takes them
 * @property {string[]} within lassos, likewise
 * @property {string} sort empty: the pool's default
 * @property {boolean} descending
 * @property {string[]} columns of the table; none: the usual ones
 * @property {number[]} view left, right, bottom, top of the landscape; none: all of it
 * @property {string} id of the structure that is open
 * @property {number} replicas of the cell along each vector
 * @property {string[]} drawn what else the crystal is drawn with: cell, hbonds, experiment, labels, filling
 */

/** @type {State} */
const START = {
  screen: "runs", run: "", pool: "", x: "", y: "", colour: "", where: [], within: [], sort: "", descending: false,
  columns: [], view: [], id: "", replicas: 1, drawn: ["cell", "hbonds"],
};

/** @type {State} */
let current = read(location.hash);

/** @type {((now: State, before: State | null) => void)[]} */
const listeners = [];

/** @returns {State} */
export const state = () => current;

/**
 * @param {(now: State, before: State | null) => void} listener called with the state after each change, and before it
 */
export function onChange(listener) {
  listeners.push(listener);
}

/** Show what the address says, now and when the reader goes back or follows a link. */
export function start() {
  window.addEventListener("hashchange", () => become(read(location.hash)));
  listeners.forEach((listener) => listener(current, null));
}

/**
 * Change the state.
 * @param {Partial<State>} changes
 * @param {{replace?: boolean}} [how] replace: no new step for Back, as while something is dragged
 */
export function go(changes, how = {}) {
  const next = { ...current, ...changes };
  const address = href(next);
  if (address === href(current)) return;
  if (how.replace) history.replaceState(null, "", address);
  else history.pushState(null, "", address);
  become(next);
}

/**
 * The address of a state.
 * @param {Partial<State>} changes to what is shown now
 * @returns {string}
 */
export function link(changes) {
  return href({ ...current, ...changes });
}

/**
 * The address of a run's screen, with nothing chosen yet.
 * @param {Partial<State>} chosen
 */
export function fresh(chosen) {
  return href({ ...START, ...chosen });
}

/** @param {State} next */
function become(next) {
  const before = current;
  current = next;
  listeners.forEach((listener) => listener(current, before));
}

/**
 * @param {State} wanted
 * @returns {string}
 */
function href(wanted) {
  const query = new URLSearchParams();
  for (const [name, usual] of Object.entries(START)) {
    const value = wanted[/** @type {keyof State} */ (name)];
    if (name === "screen" || String(value) === String(usual)) continue;
    if (name === "where" || name === "within") {
      for (const each of /** @type {string[]} */ (value)) query.append(name, each);
    } else query.append(name, String(value));
  }
  const text = query.toString();
  return `#/${wanted.screen === "runs" ? "" : wanted.screen}${text ? `?${text}` : ""}`;
}

/**
 * @param {string} hash
 * @returns {State}
 */
function read(hash) {
  const [path, text = ""] = hash.replace(/^#\/?/, "").split(/\?(.*)/s);
  const query = new URLSearchParams(text);
  const one = (/** @type {string} */ name) => query.get(name) ?? "";
  const list = (/** @type {string} */ name) => (one(name) ? one(name).split(",") : []);
  const view = list("view").map(Number);
  return {
    screen: path === "progress" || path === "structures" ? path : "runs",
    run: one("run"), pool: one("pool"), x: one("x"), y: one("y"), colour: one("colour"),
    where: query.getAll("where"), within: query.getAll("within"),
    sort: one("sort"), descending: one("descending") === "true", columns: list("columns"),
    view: view.length === 4 && view.every(Number.isFinite) ? view : [],
    id: one("id"),
    replicas: Math.min(Math.max(Math.trunc(Number(one("replicas"))) || 1, 1), 3),
    drawn: query.has("drawn") ? list("drawn") : START.drawn,
  };
}
