// How many steps wait for a person, everywhere: in the navigation, in the title.
// @ts-check
import { Scope, computed, signal } from "../core/signal.js";
import { me } from "./me.js";
import { resource } from "./resource.js";

/** Events after which something more or something less may wait. */
const changing = new Set(["run.waiting", "approval.decided", "run.cancelled", "run.failed", "run.succeeded"]);
/** @typedef {import("./resource.js").Resource<any>} Approvals */

/**
 * What waits, first page.
 * @type {import("../core/signal.js").Signal<Approvals | null>}
 */
export const approvals = signal(/** @type {any} */ (null));

/** Approvals that wait, up to the first page of them. */
export const waiting = computed(() => approvals.value?.data.value?.approvals?.length ?? 0);

// What the first view needs goes first.
const isLater = signal(false);
setTimeout(() => { isLater.value = true; }, 400);

// Lives as long as the page.
new Scope().run(() => {
  approvals.value = resource(() => (me.value && isLater.value ? "/v1/approvals?limit=200" : null), {
    on: (event) => changing.has(event.type),
    every: 30_000,
    // The count stands in the tab's title, which is looked at while the tab is not.
    isBackground: true,
  });
});
