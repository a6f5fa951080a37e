// Notes of the browser when something begins to wait for a person, while nobody looks at the page.
// @ts-check
import { isVisible } from "../core/clock.js";
import { plain } from "../core/format.js";
import { navigate } from "../core/router.js";
import { isNotifying } from "../core/settings.js";
import { Scope, effect, onEnd } from "../core/signal.js";
import { keyOf } from "./approvals.js";
import { fresh } from "./fresh.js";
import { leads } from "./stream.js";
import { mine } from "./waiting.js";

/** More at once are told as one. */
const notesMax = 3;
/** Held by every tab that can be seen, so that the one that tells knows of the others. */
const seenLock = "opsroom-seen";
let isStarted = false;

/** Whether this browser can show notes at all. */
export const isPossible = typeof Notification !== "undefined";

/**
 * Asks the browser whether notes may be shown; every tab follows the setting.
 * @returns {Promise<boolean>} Whether they are on now.
 */
export async function turnOn() {
  isNotifying.value = isPossible && (await Notification.requestPermission()) === "granted";
  return isNotifying.peek();
}

/** Begins to watch, in every tab; the one that leads shows the notes. */
export function start() {
  if (isStarted || !isPossible) return;
  isStarted = true;
  /** @type {Set<string>} */
  const known = new Set();
  let isFirst = true;
  new Scope().run(() => {
    effect(() => {
      if (isVisible.value) beSeen();
    });
    effect(() => {
      const list = mine.value;
      if (!list) return;
      const found = fresh(known, list);
      // What waited before is not new.
      if (isFirst) isFirst = false;
      else if (isNotifying.peek() && leads.peek()) tell(found);
    });
  });
}

/** Holds the lock until the present owner ends. */
function beSeen() {
  /** @type {() => void} */
  let hide = () => {};
  const isHidden = new Promise((resolve) => { hide = () => resolve(undefined); });
  navigator.locks?.request(seenLock, { mode: "shared" }, () => isHidden);
  onEnd(hide);
}

/** Whether some tab of the page can be seen. */
async function isSeen() {
  const all = await navigator.locks?.query();
  return isVisible.peek() || Boolean(all?.held?.some((/** @type {{name?: string}} */ lock) => lock.name === seenLock));
}

/** @param {import("./approvals.js").Waiting[]} found */
async function tell(found) {
  if (found.length === 0 || Notification.permission !== "granted" || await isSeen()) return;
  if (found.length > notesMax) return show(`${found.length} steps wait for you`, "", "/ui/approvals", "many");
  for (const one of found) {
    show(`${plain(one.plan, 60)} waits for you`, plain(one.message ?? "", 160), `/ui/runs/${one.run}`, keyOf(one));
  }
}

/** @param {string} title @param {string} body @param {string} href @param {string} tag */
function show(title, body, href, tag) {
  const note = new Notification(title, { body, tag: `opsroom ${tag}` });
  note.onclick = () => {
    globalThis.focus();
    navigate(href);
    note.close();
  };
}
