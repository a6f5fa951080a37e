// The log of the chosen run below the lanes: as high as one draws it.
// @ts-check
import { plain, shortID } from "../../core/format.js";
import { html } from "../../core/html.js";
import { kept } from "../../core/settings.js";
import { computed, currentScope, signal } from "../../core/signal.js";
import { resource } from "../../data/resource.js";
import { errorPanel, placeholder } from "../../parts/error.js";
import { icon } from "../../parts/icon.js";
import { chip } from "../../parts/status.js";

const height = kept("board.dock", 300);
const heightMin = 140;
const stepPixels = 24;

/**
 * @param {string} run @param {import("./model.js").BoardModel} model @param {() => void} close
 */
export function logDock(run, model, close) {
  const known = resource(() => `/v1/runs/${run}?include=steps`, { on: (event) => event.run === run &&
    event.type !== "step.output" });
  const status = computed(() => known.data.value?.status ?? model.find(run)?.card.status ?? "queued");
  const steps = computed(() => {
    /** @type {Map<string, number>} */
    const attempts = new Map();
    for (const row of known.data.value?.steps ?? []) attempts.set(row.step, Math.max(attempts.get(row.step) ?? 0,
      row.attempt));
    return [...attempts].map(([id, count]) => ({ id, attempts: count }));
  });
  const body = signal(/** @type {any} */ (null));
  const scope = currentScope();
  import("../../leaves/log.js").then(
    ({ logView }) => {
      if (!scope?.isEnded) body.value = scope?.run(() => logView({ isDock: true, run: () => run,
        status: () => status.value, steps: () => steps.value }));
    },
    (error) => { body.value = errorPanel(error); },
  );
  const most = () => Math.max(heightMin, innerHeight - 260);
  const set = (/** @type {number} */ value) => { height.value = Math.round(Math.max(heightMin, Math.min(most(),
    value))); };
  const draw = (/** @type {PointerEvent} */ event) => {
    const bar = /** @type {HTMLElement} */ (event.currentTarget);
    const from = { y: event.clientY, height: height.peek() };
    bar.setPointerCapture(event.pointerId);
    const move = (/** @type {PointerEvent} */ next) => set(from.height + from.y - next.clientY);
    bar.addEventListener("pointermove", move);
    bar.addEventListener("lostpointercapture", () => bar.removeEventListener("pointermove", move), { once: true });
  };
  return html`<section class="dock" aria-label="Log" style:--dock=${() => `${height.value}px`}>
    <div class="dock-bar" role="separator" aria-orientation="horizontal" aria-label="Height of the log" tabindex="0"
      aria-valuemin=${heightMin} aria-valuemax=${most()} aria-valuenow=${() => String(height.value)}
        @pointerdown=${draw}
      @keydown=${(/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "ArrowUp" && event.key !== "ArrowDown") return;
        event.preventDefault();
        set(height.peek() + (event.key === "ArrowUp" ? stepPixels : -stepPixels));
      }}></div>
    <header class="dock-head">${chip(() => status.value)}
      <a class="clip" href=${`/ui/runs/${run}`}>${() => plain(known.data.value?.plan ?? model.find(run)?.card.plan ??
        "", 80)}</a>
      <span class="mono muted">${shortID(run)}</span><span class="grow"></span>
      <a class="button is-small" href=${`/ui/runs/${run}?tab=log`}>Open the run</a>
      <button class="icon-button" aria-label="Close the log" title="Close (o)"
        @click=${close}>${icon("close")}</button></header>
    <div class="dock-body">${() => body.value ?? placeholder()}</div>
  </section>`;
}
