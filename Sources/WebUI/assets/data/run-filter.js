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
/** Statuses of what failed for good: the only ones that go with `dead`. */
const failures = ["failed", "timed_out"];

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
    status: settled([...new Set(words)]), since: Object.hasOwn(presets, since) ? since : "",
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
 * The words that the node takes together: nothing but failures goes with `dead`, and no `-` with `paused` beside
 * another status. So what is shown as chosen is what is asked.
 * @param {string[]} words
 * @param {string} [latest] The word that was chosen last: it stays, and what does not go with it is left out.
 */
function settled(words, latest = "dead") {
  const isOfDead = (/** @type {string} */ word) => word === "dead" || failures.includes(word);
  const left = !words.includes("dead") ? words : words.filter(isOfDead(latest) ? isOfDead : (word) => word !== "dead");
  const isOut = (/** @type {string} */ word) => word.startsWith("-");
  const isUnion = left.includes("paused") && left.some((word) => word !== "paused" && !isOut(word));
  if (!isUnion || !left.some(isOut)) return left;
  return left.filter(isOut(latest) ? (word) => word !== "paused" : (word) => !isOut(word));
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
  if (filter.status.length > 0) members.status = filter.status.join(",");
  for (const name of names) if (filter[name]) members[name] = filter[name];
  const after = filter.since ? new Date(now - presets[filter.since].ms).toISOString() : filter.from;
  if (after) members[`${filter.by}_after`] = after;
  if (!filter.since && filter.to) members[`${filter.by}_before`] = filter.to;
  if (filter.quiet) members.quiet = "true";
  return members;
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
 * The statuses after one was clicked: it is added, or taken out where it was there; what does not go with it goes.
 * @param {string[]} words @param {string} name
 */
export function toggled(words, name) {
  if (words.includes(name)) return words.filter((word) => word !== name);
  return settled([...words.filter((word) => word !== `-${name}`), name], name);
}

/**
 * The statuses after one was excluded, or let in again.
 * @param {string[]} words
 * @param {string} name
 */
export function excluded(words, name) {
  if (words.includes(`-${name}`)) return words.filter((word) => word !== `-${name}`);
  return settled([...words.filter((word) => word !== name), `-${name}`], `-${name}`);
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
 * @param {number} [begin] Where a span that reached back from now begins, once now is another time.
 * @returns {{text: string, without: RunFilter}[]}
 */
export function pieces(filter, begin) {
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
  if (filter.since) found.push({ text: begin === undefined ? `${how} in the ${presets[filter.since].text.toLowerCase()}`
    : `${how} since ${localTime(begin).replace("T", " ")}`, without: { ...filter, since: "" } });
  else {
    const at = (/** @type {string} */ moment) => localTime(Date.parse(moment)).replace("T", " ");
    if (filter.from) found.push({ text: `${how} after ${at(filter.from)}`, without: { ...filter, from: "" } });
    if (filter.to) found.push({ text: `${how} before ${at(filter.to)}`, without: { ...filter, to: "" } });
  }
  if (filter.quiet) found.push({ text: "no scheduled runs that went well", without: { ...filter, quiet: false } });
  return found;
}

/**
 * A moment as a field for one has it, in the zone of who looks: `2026-05-01T14:03`.
 * @param {number} at Milliseconds.
 */
export function localTime(at) {
  const date = new Date(at);
  return new Date(at - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}
