// Which runs a filter means: from the address, to the address, to the node, and in words. Pure.
// @ts-check

/** What the page's filters are called in the address, but for the status; all are the node's words too. */
export const names = /** @type {const} */ (["session", "lane", "template", "plan", "key", "parent", "text"]);
/** Statuses in the order in which they are offered. */
export const statuses = ["queued", "claimed", "running", "waiting", "paused", "failed", "timed_out", "cancelled",
  "succeeded"];
/** Words that a status may be beside those, as the command line has them. */
export const groups = ["open", "ended", "dead"];
/** Lengths of time that can be chosen, in milliseconds. */
export const presets = /** @type {Record<string, {text: string, ms: number}>} */ ({
  "15m": { text: "Last 15 minutes", ms: 900_000 }, "1h": { text: "Last hour", ms: 3_600_000 },
  "6h": { text: "Last 6 hours", ms: 21_600_000 }, "24h": { text: "Last 24 hours", ms: 86_400_000 },
  "7d": { text: "Last 7 days", ms: 604_800_000 }, "30d": { text: "Last 30 days", ms: 2_592_000_000 },
});
/** Members of the address that belong to the filter. */
const own = new Set([...names, "status", "since", "from", "to", "by", "quiet"]);
const pausable = new Set(["paused"]);

/**
 * A choice of runs as the page holds it: texts by name; `status` are words, each with a `-` before it where
 * it is meant not to be; `since` a preset, or `from` and `to` moments; `by` the time that is meant.
 * @typedef {{status: string[], session: string, lane: string, template: string, plan: string, key: string,
 *   parent: string, text: string, since: string, from: string, to: string, by: "enqueued" | "finished",
 *   quiet: boolean}} RunFilter
 */

/**
 * The filter that an address means; what it does not know is left out.
 * @param {URLSearchParams} query
 * @returns {RunFilter}
 */
export function read(query) {
  const words = (query.get("status") ?? "").split(",").map((word) => word.trim()).filter(isWord);
  const since = query.get("since") ?? "";
  /** @type {any} */
  const filter = {
    status: [...new Set(words)], since: Object.hasOwn(presets, since) ? since : "",
    from: moment(query.get("from")), to: moment(query.get("to")),
    by: query.get("by") === "finished" ? "finished" : "enqueued", quiet: query.get("quiet") === "1",
  };
  for (const name of names) filter[name] = (query.get(name) ?? "").trim().slice(0, 200);
  return filter;
}

/** @param {string} word */
function isWord(word) {
  const name = word.replace(/^-/, "");
  if (name === "dead" || name === "paused") return word === name;
  return statuses.includes(name) || groups.includes(name);
}

/**
 * A moment as the node takes it; empty for what is none.
 * @param {string | null} text
 */
function moment(text) {
  if (!text) return "";
  const at = Date.parse(text);
  return Number.isNaN(at) ? "" : new Date(at).toISOString().replace(/\.000Z$/, "Z");
}

/**
 * What the address says for a filter: all members, empty where nothing is said.
 * @param {RunFilter} filter
 * @returns {Record<string, string>}
 */
export function write(filter) {
  /** @type {Record<string, string>} */
  const members = {
    status: filter.status.join(","), since: filter.since, from: filter.since ? "" : filter.from,
    to: filter.since ? "" : filter.to, by: filter.by === "finished" ? "finished" : "",
    quiet: filter.quiet ? "1" : "",
  };
  for (const name of names) members[name] = filter[name];
  return members;
}

/**
 * The same as a text that can be kept and opened again.
 * @param {RunFilter} filter
 */
export function toText(filter) {
  const query = new URLSearchParams();
  for (const [name, value] of Object.entries(write(filter))) if (value) query.set(name, value);
  return query.toString();
}

/**
 * The filter of a text that {@link toText} made.
 * @param {string} text
 */
export const fromText = (text) => read(new URLSearchParams(text));

/**
 * Whether an address's members say anything about a filter.
 * @param {URLSearchParams} query
 */
export const isSaid = (query) => [...query.keys()].some((name) => own.has(name));

/**
 * Whether every run is meant.
 * @param {RunFilter} filter
 */
export const isAny = (filter) => toText({ ...filter, by: "enqueued" }) === "";

/**
 * What the node is asked, in its words: the same for a list and for an action on many.
 * @param {RunFilter} filter @param {number} now Milliseconds; `since` counts from then.
 * @returns {Record<string, string>}
 */
export function ask(filter, now) {
  /** @type {Record<string, string>} */
  const members = {};
  if (filter.status.length > 0) members.status = settled(filter.status).join(",");
  for (const name of names) if (filter[name]) members[name] = filter[name];
  const after = filter.since ? new Date(now - presets[filter.since].ms).toISOString() : filter.from;
  if (after) members[`${filter.by}_after`] = after;
  if (!filter.since && filter.to) members[`${filter.by}_before`] = filter.to;
  if (filter.quiet) members.quiet = "true";
  return members;
}

/**
 * The node takes no `-` beside `paused`, and nothing but failures beside `dead`: what goes with neither is left out.
 * @param {string[]} words
 */
function settled(words) {
  if (words.includes("dead")) return words.filter((word) => ["dead", "failed", "timed_out"].includes(word));
  if (words.some((word) => pausable.has(word))) return words.filter((word) => !word.startsWith("-"));
  return words;
}

/**
 * As the filter of an action on many runs: several statuses are a list.
 * @param {Record<string, string>} asked As {@link ask} gave it.
 * @returns {Record<string, string | string[]>}
 */
export function forBulk(asked) {
  const { status, ...rest } = asked;
  return status ? { ...rest, status: status.split(",") } : rest;
}

/**
 * The statuses after one was clicked: it is added, or taken out where it was there.
 * @param {string[]} words @param {string} name
 */
export function toggled(words, name) {
  if (words.includes(name)) return words.filter((word) => word !== name);
  return [...words.filter((word) => word !== `-${name}`), name];
}

/**
 * The statuses after one was excluded, or let in again.
 * @param {string[]} words
 * @param {string} name
 */
export function excluded(words, name) {
  if (words.includes(`-${name}`)) return words.filter((word) => word !== `-${name}`);
  return [...words.filter((word) => word !== name), `-${name}`];
}

/**
 * How a status stands in a filter.
 * @param {string[]} words
 * @param {string} name
 * @returns {"in" | "out" | "any"}
 */
export const standing = (words, name) => (words.includes(name) ? "in" : words.includes(`-${name}`) ? "out" : "any");

/**
 * The filter in words, one piece each: what is shown above the list and can be taken away alone.
 * @param {RunFilter} filter
 * @returns {{text: string, without: RunFilter}[]}
 */
export function pieces(filter) {
  const found = [];
  for (const word of filter.status) {
    const name = word.replace(/^-/, "").replace("_", " ");
    found.push({
      text: word.startsWith("-") ? `not ${name}` : name,
      without: { ...filter, status: filter.status.filter((other) => other !== word) },
    });
  }
  for (const name of names) {
    if (filter[name]) found.push({ text: `${name}: ${filter[name]}`, without: { ...filter, [name]: "" } });
  }
  const how = filter.by === "finished" ? "ended" : "queued";
  if (filter.since) found.push({ text: `${how} in the ${presets[filter.since].text.toLowerCase()}`,
    without: { ...filter, since: "" } });
  else {
    if (filter.from) found.push({ text: `${how} after ${short(filter.from)}`, without: { ...filter, from: "" } });
    if (filter.to) found.push({ text: `${how} before ${short(filter.to)}`, without: { ...filter, to: "" } });
  }
  if (filter.quiet) found.push({ text: "no scheduled runs that went well", without: { ...filter, quiet: false } });
  return found;
}

/** @param {string} moment */
const short = (moment) => moment.slice(0, 16).replace("T", " ");
