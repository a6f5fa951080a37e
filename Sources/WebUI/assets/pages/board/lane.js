// A lane as a column: its head, the cards near the view, and what ended lately at its foot.
// @ts-check
import { count, plain } from "../../core/format.js";
import { each, html } from "../../core/html.js";
import { computed, effect, onEnd, signal, untracked } from "../../core/signal.js";
import { url } from "../../data/api.js";
import { between, heights, layout } from "../../data/board.js";
import { mayRun } from "../../data/me.js";
import { once } from "../../parts/error.js";
import { icon } from "../../parts/icon.js";
import { menuButton } from "../../parts/menu.js";
import { cardRow, recentRow } from "./card.js";

/**
 * @typedef {import("../../data/board.js").Lane} Lane
 * @typedef {import("./model.js").BoardModel} Model
 */

/** Cards outside of the view that are drawn too, as a height. */
const marginPixels = 240;
/** The scroll's place is taken in steps: within one nothing is reckoned anew. */
const stepPixels = 80;
/** Queued cards of a lane that the node gives at most. */
const queuedMax = 500;

/**
 * @param {import("../../core/signal.js").Readable<Lane>} lane @param {Model} model
 * @param {import("./verbs.js").Verbs} verbs
 * @param {import("../../core/signal.js").Readable<{lane: number, y: number} | null>} target
 */
export function laneColumn(lane, model, verbs, target) {
  const { id } = lane.peek();
  const at = signal(0);
  const view = signal(800);
  const arranged = computed(() => layout(lane.value.cards));
  const drawn = computed(() => {
    const [from, to] = between(arranged.value, at.value - marginPixels, at.value + view.value + marginPixels);
    return { rows: arranged.value.cards.slice(from, to), top: arranged.value.tops[from] ?? 0 };
  });
  const queued = computed(() => lane.value.cards.reduce((sum, card) => sum + (card.status === "queued" ? 1 : 0), 0));
  /** Room for what is queued and not fetched yet. */
  const height = computed(() => {
    const left = Math.max(0, Math.min(queuedMax, lane.value.queued) - queued.value);
    return arranged.value.height + left * heights.queued;
  });
  effect(() => {
    const active = arranged.value.height - queued.value * heights.queued;
    const depth = Math.ceil((at.value + view.value + marginPixels - active) / heights.queued);
    const wanted = Math.min(depth, lane.value.queued);
    untracked(() => model.see(id, Math.max(0, wanted)));
  });
  const list = /** @type {HTMLElement} */ (html`<ol class="cards" role="list"
    style:height=${() => `${height.value}px`} style:padding-top=${() => `${drawn.value.top}px`}
    @touchmove=${verbs.still}>
    ${each(() => drawn.value.rows, (card) => card.id, (card) => cardRow(card, model, verbs))}</ol>`);
  const isTarget = () => target.value?.lane === id;
  const scroller = /** @type {HTMLElement} */ (html`<div class="lane-cards" role="region" tabindex=${() =>
    (height.value > 0 ? "-1" : null)}
    aria-label=${() => `Cards of lane ${plain(lane.value.name)}`}
    @scroll=${() => { at.value = Math.floor(scroller.scrollTop / stepPixels) * stepPixels; }}>
    ${list}
    <div class="drop-line" hidden=${() => !isTarget()} style:--y=${() => `${target.value?.lane === id ? target.value.y
      : 0}px`}></div>
    ${once(() => height.value === 0, () => html`<p class="lane-empty">Nothing queued</p>`)}
    ${once(() => lane.value.queued > queuedMax, () => html`<p
      class="lane-empty">The first ${count(queuedMax)} are shown; <a
      class="link" href=${queueHref(lane.peek(), model)}>all in Runs</a></p>`)}
  </div>`);
  const observer = new ResizeObserver((entries) => {
    view.value = Math.ceil(entries[entries.length - 1].contentRect.height / stepPixels) * stepPixels;
  });
  observer.observe(scroller);
  onEnd(() => observer.disconnect());
  model.keep(id, {
    reveal(run) {
      const { cards, tops } = arranged.peek();
      const top = tops[cards.findIndex((card) => card.id === run)];
      if (top === undefined) return;
      if (top < scroller.scrollTop + 8) scroller.scrollTop = Math.max(0, top - 8);
      else if (top + heights.person > scroller.scrollTop + scroller.clientHeight) {
        scroller.scrollTop = top + heights.person - scroller.clientHeight;
      }
      at.value = Math.floor(scroller.scrollTop / stepPixels) * stepPixels;
    },
    place: () => ({ scroller, list }),
  });
  return html`<section class="lane" class:is-paused=${() => lane.value.paused !== null} class:is-target=${isTarget}
    aria-label=${() => `Lane ${plain(lane.value.name)}`} data-lane=${id}>
    ${head(lane, model)}
    ${scroller}
    ${once(() => lane.value.recent.length > 0, () => foot(lane, model, verbs))}
  </section>`;
}

/** @param {Lane} lane @param {Model} model */
const queueHref = (lane, model) =>
  url("/ui/runs", { session: model.shown.peek()?.session.name, lane: lane.name, status: "queued" });

/** @param {import("../../core/signal.js").Readable<Lane>} lane @param {Model} model */
function head(lane, model) {
  const depth = () => `${count(lane.value.queued)}${lane.value.queued_is_more ? "+" : ""} queued`;
  const name = plain(lane.peek().name, 40);
  const isPaused = computed(() => lane.value.paused !== null);
  const may = () => mayRun.value && model.isOpen.value;
  const open = async (/** @type {"editLane" | "pauseLane"} */ name) => {
    const session = model.shown.peek()?.session.name;
    if (!session) return;
    const dialogs = await import("./dialogs.js");
    if (await dialogs[name](session, lane.peek())) model.source.refresh();
  };
  return html`<header class="lane-head">
    <div class="row"><h2 class="clip" title=${() => plain(lane.value.name)}>${() => plain(lane.value.name, 64)}</h2>
      <span class="lane-width num" title="Runs under way, of so many at once">${() =>
        `${count(lane.value.active)}${lane.value.active_is_more ? "+" : ""}/${count(lane.value.width)}`}</span>
      ${() => (lane.value.worker === "external" ? html`<span class="tag"
        title="Programs outside take its runs">external</span>` : null)}
      ${() => (lane.value.priority !== 0 ? html`<span class="tag"
        title="Priority among lanes">p${lane.value.priority}</span>` : null)}
      <span class="grow"></span>
      <a class="lane-depth num" href=${() => queueHref(lane.value, model)}>${depth}</a>
      ${once(may, () => html`<button class="icon-button" aria-label=${() => `${isPaused.value ? "Resume"
        : "Pause"} lane ${name}`}
        title=${() => (isPaused.value ? "Take runs again" : "Take no more runs")}
        @click=${() => model.holdLane(lane.peek())}>${() => icon(isPaused.value ? "play" : "pause")}</button>`)}
      ${once(may, () => menuButton({
        label: `Settings of lane ${name}`, items: () => [
          { text: "Width and priority…", icon: "edit", run: () => open("editLane") },
          lane.peek().paused ? { text: "Resume", icon: "play", run: () => model.holdLane(lane.peek()) }
            : { text: "Pause with a reason…", icon: "pause", run: () => open("pauseLane") },
          null,
          { text: "All runs of this lane", icon: "runs",
            href: url("/ui/runs", { session: model.shown.peek()?.session.name, lane: lane.peek().name }) },
        ],
      }))}
    </div>
    ${() => {
      const { paused } = lane.value;
      if (!paused) return null;
      return html`<p class="lane-paused tone-blocked"><span class="sign" aria-hidden="true">‖</span><span class="clip"
        title=${
        plain(paused.reason ?? "")}>Paused by ${plain(paused.by, 40)}${paused.reason ? `: ${plain(paused.reason, 200)}`
          : ""}</span></p>`;
    }}
  </header>`;
}

/**
 * @param {import("../../core/signal.js").Readable<Lane>} lane @param {Model} model
 * @param {import("./verbs.js").Verbs} verbs
 */
const foot = (lane, model, verbs) => html`<div class="lane-foot"><h3>Ended last</h3>
  <ol role="list">${each(() => lane.value.recent, (card) => card.id, (card) => recentRow(card, model,
    verbs))}</ol></div>`;
