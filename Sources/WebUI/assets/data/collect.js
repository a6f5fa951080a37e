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
