// What waits for a person, everywhere: counted in the navigation and the title, told in notes, listed on its page.
// @ts-check
import { Scope, computed, signal } from "../core/signal.js";
import { get } from "./api.js";
import { mayChange } from "./approvals.js";
import { mayRun, me } from "./me.js";
import { resource } from "./resource.js";

/** @typedef {import("./approvals.js").Waiting} Waiting */
/** @typedef {{approvals: Waiting[], next: string | null}} WaitingList `next` where more may wait than were read. */
/** @typedef {import("./resource.js").Resource<WaitingList>} Approvals */

/** Approvals that are listed, and looked through at once. */
const pageRows = 200;
/** Pages that are read in search of what one may decide. */
const pagesMax = 5;

/**
 * The approvals that wait, fetched anew when that may have changed; ends with the present owner.
 * @param {() => string | null} path With its filter.
 * @param {{every?: number, gapMilliseconds?: number, isBackground?: boolean}} options
 * @returns {Approvals}
 */
export function waitingList(path, options) {
  const list = /** @type {Approvals} */ (resource(path, {
    ...options, fetch: fetchAll, on: (event) => mayChange(event, list.data.peek()?.approvals ?? []),
  }));
  return list;
}

/**
 * The approvals of several pages: a page gives only what one may decide of a stretch, which may be nothing.
 * @param {string} path @param {AbortSignal} abort
 * @returns {Promise<WaitingList>}
 */
async function fetchAll(path, abort) {
  const address = new URL(path, location.origin);
  address.searchParams.set("limit", String(pageRows));
  /** @type {Waiting[]} */
  const approvals = [];
  let next = null;
  for (let page = 0; page < pagesMax; page += 1) {
    const answer = await get(address.pathname + address.search, { signal: abort });
    approvals.push(...answer.approvals);
    next = answer.next;
    if (!next || approvals.length >= pageRows) break;
    address.searchParams.set("cursor", next);
  }
  return { approvals, next };
}

/** @type {import("../core/signal.js").Signal<Approvals | null>} */
const approvals = signal(/** @type {any} */ (null));

/** What waits and may be decided here, as far as it was read; `null` while that is not known. */
export const mine = computed(() => {
  const list = approvals.value?.data.value?.approvals;
  return list ? list.filter((one) => one.may_decide && mayRun.value) : null;
});

/** How many those are, in words; empty for none. */
export const waiting = computed(() => {
  const count = mine.value?.length ?? 0;
  return count === 0 ? "" : `${count}${approvals.value?.data.value?.next ? "+" : ""}`;
});

// What the first view needs goes first.
const isLater = signal(false);
setTimeout(() => { isLater.value = true; }, 400);

// Lives as long as the page.
new Scope().run(() => {
  approvals.value = waitingList(() => (me.value && isLater.value ? "/v1/approvals" : null), {
    every: 30_000, gapMilliseconds: 500,
    // The count stands in the tab's title, which is looked at while the tab is not.
    isBackground: true,
  });
});
