// The present moment, once a second while somebody looks: what grows with time follows it.
// @ts-check
import { signal } from "./signal.js";

/** Milliseconds since 1970, a second fine. */
export const now = signal(Date.now());
/** Whether the tab can be seen. */
export const isVisible = signal(typeof document === "undefined" || document.visibilityState === "visible");

/** Starts the clock. */
export function start() {
  const tick = () => {
    if (isVisible.peek()) now.value = Date.now();
    setTimeout(tick, 1000 - (Date.now() % 1000));
  };
  tick();
  document.addEventListener("visibilitychange", () => {
    isVisible.value = document.visibilityState === "visible";
    if (isVisible.peek()) now.value = Date.now();
  });
}
