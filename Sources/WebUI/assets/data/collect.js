// Lists longer than a page: the pages are fetched one after the other, up to a bound.
// @ts-check
import { get } from "./api.js";

/** Rows of one request; the node gives no more. */
const pageRows = 200;

/**
 * A `fetch` for a resource whose path names a list.
 * @param {string} member The list's member, as `runs`.
 * @param {number} [max] Rows at most; `is_more` says that there are more.
 */
export const collect = (member, max = 1000) =>
  async (/** @type {string} */ path, /** @type {AbortSignal} */ abort) => {
    /** @type {any[]} */
    const rows = [];
    let cursor = "";
    for (;;) {
      const glue = path.includes("?") ? "&" : "?";
      const document = await get(`${path}${glue}limit=${pageRows}${cursor && `&cursor=${encodeURIComponent(cursor)}`}`,
        { signal: abort });
      rows.push(...document[member]);
      if (!document.next || rows.length >= max) {
        return { ...document, [member]: rows, is_more: Boolean(document.next) };
      }
      cursor = document.next;
    }
  };

/**
 * A `fetch` for a resource whose path names a list's first rows, as many as its `limit` says: they are one answer, so
 * that none of them is older than the others.
 * @param {string} member The list's member, as `sessions`.
 */
export const firstRows = (member) => async (/** @type {string} */ path, /** @type {AbortSignal} */ abort) => {
  const [place, text] = path.split("?");
  const members = new URLSearchParams(text);
  const wanted = Number(members.get("limit"));
  /** @type {any[]} */
  const rows = [];
  for (;;) {
    members.set("limit", String(Math.min(pageRows, wanted - rows.length)));
    const document = await get(`${place}?${members}`, { signal: abort });
    rows.push(...document[member]);
    if (!document.next || rows.length >= wanted || document[member].length === 0) return { ...document, [member]: rows };
    members.set("cursor", document.next);
  }
};
