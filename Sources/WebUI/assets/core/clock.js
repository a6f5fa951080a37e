// The present moment, once a second while somebody looks: what grows with time follows it.
// @ts-check
import { signal } from "./signal.js";

/** Milliseconds since 1970 by the node's clock, a second fine: what is told by it is compared with it. */
export const now = signal(Date.now());
/** Milliseconds by which this browser's clock is behind the node's; 0 while they agree as far as can be told. */
let behind = 0;
/** The node tells whole seconds, and an answer takes its time. */
const doubtMilliseconds = 2500;

/** The present moment by the node's clock, for what does not follow it. */
export const present = () => Date.now() + behind;
/** Whether the tab can be seen. */
export const isVisible = signal(typeof document === "undefined" || document.visibilityState === "visible");

/** Starts the clock. */
export function start() {
  const tick = () => {
    if (isVisible.peek()) now.value = present();
    setTimeout(tick, 1000 - (Date.now() % 1000));
  };
  tick();
  document.addEventListener("visibilitychange", () => {
    isVisible.value = document.visibilityState === "visible";
    if (isVisible.peek()) now.value = present();
  });
}

/**
 * Hears what time it is at the node.
 * @param {string | null} date As an answer tells it.
 * @param {number} sentAt When it was asked, by this browser's clock.
 */
export function hear(date, sentAt) {
  const at = Date.parse(date ?? "");
  const here = Date.now();
  // What took long tells little.
  if (Number.isNaN(at) || here - sentAt > doubtMilliseconds) return;
  const found = at + 500 - (sentAt + here) / 2;
  // Near what is known already it is the same: a clock about as far off as the doubt would jump to and fro.
  if (Math.abs(found - behind) < doubtMilliseconds) return;
  behind = found;
  now.value = present();
}
