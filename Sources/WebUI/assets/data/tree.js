// A JSON value as a tree that is unfolded a little at a time: its members, their paths, searching it. Pure.
// @ts-check

/** @typedef {(string | number)[]} Path */

/** Values that a search looks at, and findings that it gives. */
const looksMax = 500_000;
const findingsMax = 2000;
/** How deep a search goes. */
export const depthMax = 500;

/** @param {unknown} value @returns {value is object} */
export const isBranch = (value) => typeof value === "object" && value !== null;

/**
 * How many members a value has.
 * @param {any} value
 */
export const sizeOf = (value) =>
  (Array.isArray(value) ? value.length : isBranch(value) ? Object.keys(value).length : 0);

/**
 * Some members of a value.
 * @param {any} value @param {number} from @param {number} to
 * @returns {{key: string | number, value: any}[]}
 */
export function members(value, from, to) {
  if (Array.isArray(value)) return value.slice(from, to).map((item, index) => ({ key: from + index, value: item }));
  return Object.keys(value).slice(from, to).map((key) => ({ key, value: value[key] }));
}

/**
 * A path as text: `$.steps[3]["odd name"]`.
 * @param {Path} path
 */
export const pathText = (path) => path.reduce((/** @type {string} */ text, key) =>
  text + (typeof key === "number" ? `[${key}]`
    : /^[A-Za-z_$][\w$]*$/.test(key) ? `.${key}` : `[${JSON.stringify(key)}]`), "$");

/**
 * The value at a path; `undefined` where there is none.
 * @param {any} value
 * @param {Path} path
 */
export const valueAt = (value, path) =>
  path.reduce((/** @type {any} */ inner, key) =>
    (isBranch(inner) && Object.hasOwn(inner, key) ? /** @type {any} */ (inner)[key] : undefined), value);

/**
 * The place of a key among its siblings.
 * @param {any} value
 * @param {string | number} key
 */
export const placeOf = (value, key) => (typeof key === "number" ? key : Object.keys(value).indexOf(key));

/**
 * A value on the way of a search.
 * @typedef {{key: string | number, value: any, depth: number, parent: Place | null}} Place
 */

/**
 * The paths of what has a text in its name or, for what is no branch, in its value; without case, in order.
 * @param {any} value @param {string} query
 * @returns {{paths: Path[], isMore: boolean, isDeep: boolean}} `isDeep`: there is more than was searched, deeper.
 */
export function search(value, query) {
  const wanted = query.toLowerCase();
  /** @type {Path[]} */
  const paths = [];
  if (wanted === "") return { paths, isMore: false, isDeep: false };
  let looks = 0;
  let isDeep = false;
  // No recursion: what is nested deeper than a stack is no reason to fail.
  /** @type {Place[]} */
  const waiting = [{ key: "", value, depth: 0, parent: null }];
  while (waiting.length > 0) {
    const next = /** @type {Place} */ (waiting.pop());
    looks += 1;
    if (looks > looksMax) return { paths, isMore: true, isDeep };
    const isNamed = typeof next.key === "string" && next.depth > 0 && next.key.toLowerCase().includes(wanted);
    if (isNamed || (!isBranch(next.value) && String(next.value).toLowerCase().includes(wanted))) {
      if (paths.length >= findingsMax) return { paths, isMore: true, isDeep };
      paths.push(pathTo(next));
    }
    if (!isBranch(next.value)) continue;
    if (next.depth >= depthMax) {
      isDeep ||= sizeOf(next.value) > 0;
      continue;
    }
    const all = members(next.value, 0, looksMax);
    for (let at = all.length - 1; at >= 0; at -= 1) {
      waiting.push({ ...all[at], depth: next.depth + 1, parent: next });
    }
  }
  return { paths, isMore: false, isDeep };
}

/**
 * The path of a place, from its parents.
 * @param {Place} place
 */
function pathTo(place) {
  /** @type {Path} */
  const path = [];
  for (let at = place; at.parent; at = at.parent) path.push(at.key);
  return path.reverse();
}

/**
 * What a folded branch shows: `{3 members}`, `[200 items]`.
 * @param {any} value
 */
export function summary(value) {
  const size = sizeOf(value);
  const noun = `${Array.isArray(value) ? "item" : "member"}${size === 1 ? "" : "s"}`;
  return Array.isArray(value) ? `[${size} ${noun}]` : `{${size} ${noun}}`;
}
