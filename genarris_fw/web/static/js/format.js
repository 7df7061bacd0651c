// Numbers, times and sizes as words.

/**
 * A number with as many digits as tell it from its neighbours.
 * @param {unknown} value
 * @param {number} [digits] of those that count
 * @returns {string}
 */
export function number(value, digits = 5) {
  if (value === null || value === undefined) return "–";
  if (typeof value !== "number") return words(value);
  if (!Number.isFinite(value)) return "–";
  if (Number.isInteger(value) && Math.abs(value) < 1e15) return whole(value);
  const size = Math.abs(value);
  if (size >= 1e7 || size < 1e-4) return signed(value.toExponential(digits - 2));
  return signed(String(Number(value.toPrecision(digits))));
}

/**
 * @param {number} value
 * @returns {string} with thin spaces between thousands from 10 000 on
 */
export function whole(value) {
  const text = String(Math.abs(Math.round(value)));
  const grouped = text.length > 4 ? text.replace(/\B(?=(\d{3})+$)/g, "\u202f") : text;
  return value < 0 ? `\u2212${grouped}` : grouped;
}

/**
 * @param {number} step between neighbouring numbers
 * @returns {(value: number) => string} a format with the decimals that such steps need
 */
export function decimals(step) {
  const places = Math.min(12, Math.max(0, -Math.floor(Math.log10(step) + 1e-9)));
  return (value) => signed((Math.abs(value) < step / 1e6 ? 0 : value).toFixed(places));
}

/**
 * How the numbers of a column are written, so that they stand under each other.
 * @param {{kind: string, min: number | null, max: number | null}} column
 * @returns {(value: unknown) => string}
 */
export function ofColumn(column) {
  const span = Number(column.max) - Number(column.min);
  if (column.kind !== "number" || !(span > 0) || span >= 1e7 || span < 1e-6) return number;
  const written = decimals(10 ** (Math.floor(Math.log10(span)) - 3));
  return (value) => (typeof value === "number" ? written(value) : number(value));
}

/**
 * A label in two: what it is, and its unit.
 * @param {string} label
 * @returns {[string, string]}
 */
export function parted(label) {
  const found = /^(.*\S)\s*\(([^()]*)\)$/.exec(label);
  return found ? [found[1], found[2]] : [label, ""];
}

/**
 * @param {unknown} value anything that is not a number
 * @returns {string}
 */
export function words(value) {
  if (value === true) return "yes";
  if (value === false) return "no";
  if (typeof value === "string") return value;
  if (Array.isArray(value)) return value.map((each) => (Array.isArray(each) ? `[${words(each)}]` : number(each))).join(", ");
  if (value && typeof value === "object") {
    return Object.entries(value).map(([name, each]) => `${name}: ${number(each)}`).join(", ");
  }
  return number(value);
}

/**
 * @param {number | null | undefined} seconds
 * @returns {string}
 */
export function duration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 10) return `${seconds.toFixed(1)} s`;
  if (seconds < 90) return `${Math.round(seconds)} s`;
  if (seconds < 5400) return `${Math.round(seconds / 60)} min`;
  if (seconds < 172800) return `${(seconds / 3600).toFixed(1)} h`;
  return `${(seconds / 86400).toFixed(1)} days`;
}

/**
 * @param {string | null | undefined} iso a moment
 * @returns {string} in the reader's own time
 */
export function moment(iso) {
  if (!iso) return "–";
  const date = new Date(iso);
  if (Number.isNaN(date.getTime())) return iso;
  return date.toLocaleString(undefined, { dateStyle: "medium", timeStyle: "short" });
}

/**
 * @param {number} count
 * @param {string} one
 * @param {string} [many]
 * @returns {string}
 */
export function counted(count, one, many = `${one}s`) {
  return `${whole(count)} ${count === 1 ? one : many}`;
}

/** @param {string} text */
function signed(text) {
  return text.replace(/-/g, "\u2212");
}
