// Notes of the browser when something begins to wait for a person, while nobody looks at the page.
// @ts-check
import { isVisible } from "../core/clock.js";
import { plain } from "../core/format.js";
import { navigate } from "../core/router.js";
import { isNotifying } from "../core/settings.js";
import { Scope, effect, untracked } from "../core/signal.js";
import { fresh } from "./fresh.js";
import { leads } from "./stream.js";
import { approvals } from "./waiting.js";

/** More at once are told as one. */
const notesMax = 3;
let isStarted = false;

/** Whether this browser can show notes at all. */
export const isPossible = typeof Notification !== "undefined";

/** Begins to watch; one tab of the browser shows the notes. */
export function start() {
  if (isStarted || !isPossible) return;
  isStarted = true;
  /** @type {Set<string>} */
  const known = new Set();
  let isFirst = true;
  new Scope().run(() => effect(() => {
    const list = approvals.value?.data.value?.approvals;
    if (!list) return;
    untracked(() => {
      const found = fresh(known, list);
      // What waited before is not new.
      if (isFirst) isFirst = false;
      else if (isNotifying.peek() && leads.peek() && !isVisible.peek()) tell(found);
    });
  }));
}

/** @param {any[]} found */
function tell(found) {
  if (found.length === 0 || Notification.permission !== "granted") return;
  if (found.length > notesMax) return show(`${found.length} steps wait for you`, "", "/ui/approvals", "many");
  for (const one of found) {
    show(`${plain(one.plan, 60)} waits for you`, plain(one.message ?? "", 160), `/ui/runs/${one.run}`,
      `${one.run} ${one.step}`);
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
