// One run on the board: what runs with its pulse and progress, what waits, what is queued, what ended.
// @ts-check
import { now } from "../../core/clock.js";
import { ago, count, duration, plain, shortID } from "../../core/format.js";
import { html } from "../../core/html.js";
import { computed, untracked } from "../../core/signal.js";
import { url } from "../../data/api.js";
import { mayRun } from "../../data/me.js";
import { isAlive, kindOf } from "../../data/board.js";
import { attemptOf, queuedMilliseconds } from "../../data/run-list.js";
import { icon } from "../../parts/icon.js";
import { menuButton } from "../../parts/menu.js";
import { sign, stateOf } from "../../parts/status.js";
import { elapsed } from "../../parts/time.js";

/**
 * @typedef {import("../../data/board.js").Card} Card
 * @typedef {import("../../core/signal.js").Readable<Card>} LiveCard
 * @typedef {import("./model.js").BoardModel} Model
 * @typedef {import("./verbs.js").Verbs} Verbs
 */

/**
 * The element that the keyboard goes to.
 * @param {string} run
 */
export const linkID = (run) => `card-${run}`;

/**
 * What a card under way says of itself in one line.
 * @param {Card} card @param {number} at Now.
 */
export function lineOf(card, at) {
  if (card.paused_by !== null) return `Paused by ${plain(card.paused_by, 60)}`;
  if (card.status === "claimed") return "Begins";
  if (card.status !== "waiting") return card.step ? plain(card.step, 120) : "Under way";
  const step = card.wait?.step ?? card.step;
  const where = step ? ` in ${plain(step, 80)}` : "";
  if (card.due_at) {
    return `Again ${ago(card.due_at, at)}${card.failure ? `: ${plain(card.failure, 160)}` : ""}`;
  }
  switch (card.wait?.kind) {
    case "approval": return `Waits for approval${where}`;
    case "person": return `Waits for somebody who looks how it ended${where}`;
    case "signal": return `Waits for a signal${where}`;
    case "timer": return `Waits for its time${where}`;
    default: return card.wait_reason ? `Waits: ${plain(card.wait_reason, 160)}` : `Waits${where}`;
  }
}

/** @param {LiveCard} card @param {Model} model */
function title(card, model) {
  const { id } = card.peek();
  return html`<a class="card-link clip" id=${linkID(id)} href=${`/ui/runs/${id}`} draggable="false" title=${() =>
    plain(card.value.plan)}
    @focus=${() => { model.chosen.value = id; }}>${() => plain(card.value.plan, 120)}</a>`;
}

/** @param {LiveCard} card @param {Verbs} verbs */
const more = (card, verbs) => menuButton({
  label: `Actions for ${plain(card.peek().plan, 60)}`, className: "icon-button card-more", items: () =>
    verbs.items(card.peek().id),
});

/** @param {LiveCard} card */
function tags(card) {
  return html`<span class="card-tags clip">${() => (card.value.key ? html`<span class="tag"
    title="Key">${plain(card.value.key, 60)}</span>` : null)}
    ${() => (card.value.template ? html`<span class="card-tag clip">${plain(card.value.template, 60)}</span>` : null)}
    <span class="mono">${shortID(card.peek().id)}</span></span>`;
}

/**
 * A lane's row: what it shows follows what the run is.
 * @param {LiveCard} card @param {Model} model @param {Verbs} verbs
 */
export function cardRow(card, model, verbs) {
  const kind = computed(() => kindOf(card.value));
  const { id } = card.peek();
  return html`<li class="slot" class:is-active=${() => kind.value !== "queued"} data-run=${id}>${() => {
    const now_ = kind.value;
    return untracked(() => (now_ === "queued" ? queuedCard(card, model, verbs) : activeCard(card, now_, model, verbs)));
  }}</li>`;
}

/** @param {LiveCard} card @param {Model} model */
const chosen = (card, model) => (model.chosen.value === card.peek().id ? " is-chosen" : "");

/** @param {LiveCard} card @param {string} kind @param {Model} model @param {Verbs} verbs */
function activeCard(card, kind, model, verbs) {
  const tone = computed(() => {
    if (card.value.paused_by !== null) return "paused";
    return card.value.status === "waiting" && card.value.due_at ? "retrying" : card.value.status;
  });
  const worker = () => model.find(card.peek().id)?.lane.worker ?? "";
  const isPulsing = () => isAlive(card.value, worker(), model.alive.value.split("\n"));
  const pulseTitle = () => {
    if (card.value.status !== "running") return stateOf(tone.value).word;
    if (worker() === "external") return "Running; a worker outside does it";
    return isPulsing() ? "Running; its node is alive" : "Its node has not been heard of";
  };
  const share = () => {
    const { done, total } = card.value.progress;
    return total > 0 ? Math.round((100 * done) / total) : 0;
  };
  const isEnding = () => model.asked.value.has(card.peek().id);
  return html`<article class=${() => `card is-${kind} tone-${stateOf(tone.value).tone}${chosen(card, model)}`}>
    <div class="card-top">
      ${kind === "running"
        ? html`<span class="pulse" class:is-alive=${isPulsing} role="img" aria-label=${() => stateOf(tone.value).word}
            title=${pulseTitle}></span>`
        : sign(() => tone.value)}
      ${title(card, model)}
      ${() => (attemptOf(card.value).isFirst ? null : html`<span class="card-attempt"
        title=${attemptOf(card.value).words}>×${attemptOf(card.value).text}</span>`)}
      <span class="card-time">${elapsed(() => card.value.started_at, () => null)}</span>
      ${more(card, verbs)}
    </div>
    <p class="card-line clip" title=${() => lineOf(card.value, now.value)}>${() => (isEnding() ?
      "Ends: its steps were asked to stop" : lineOf(card.value, now.value))}</p>
    <div class="bar" role="progressbar" aria-label="Steps done" aria-valuemin="0" aria-valuemax="100"
      aria-valuenow=${() => String(share())}>
      <span style:width=${() => `${share()}%`}></span></div>
    <div class="card-foot">${tags(card)}<span class="grow"></span>
      ${() => (card.value.progress.total > 0 ? html`<span
        class="num">${count(card.value.progress.done)}/${count(card.value.progress.total)}</span>` : null)}
      ${() => (card.value.node ? html`<span class="card-node clip" title="Node">${icon("node")}${plain(card.value.node,
        40)}</span>` : null)}</div>
    ${kind === "person" ? html`<div class="card-verbs">${() => (card.value.wait?.kind === "person"
      ? html`<a class="button is-small" href=${url(`/ui/runs/${card.peek().id}`, { step: card.value.wait.step })}>Look at
        it</a>` : mayRun.value
        ? html`<button class="button is-small" @click=${() => verbs.decide(card.peek())}>Approve or reject</button>`
        : html`<a class="button is-small" href="/ui/approvals">Approvals</a>`)}</div>` : null}
  </article>`;
}

/** @param {LiveCard} card @param {Model} model @param {Verbs} verbs */
function queuedCard(card, model, verbs) {
  const note = () => {
    if (card.value.paused_by !== null) return "paused";
    const due = card.value.due_at;
    if (due && Date.parse(due) > now.value) return ago(due, now.value);
    const waited = duration(Math.floor((queuedMilliseconds(card.value, now.value) ?? 0) / 1000) * 1000);
    // Its first unit says enough, and keeps the card still.
    return waited.split(" ").slice(0, 2).join(" ");
  };
  const isLater = () => card.value.paused_by !== null || Boolean(card.value.due_at &&
    Date.parse(card.value.due_at) > now.value);
  return html`<article class="card is-queued tone-queued" class:is-chosen=${() => chosen(card, model) !== ""}
    class:is-later=${isLater}
    class:is-dragged=${() => verbs.dragged.value === card.peek().id}
    @pointerdown=${(/** @type {PointerEvent} */ event) => verbs.grab(event, card.peek())}>
    ${sign(() => (card.value.paused_by === null ? "queued" : "paused"))}
    ${title(card, model)}
    ${() => (card.value.key ? html`<span class="tag card-key" title="Key">${plain(card.value.key, 40)}</span>` : null)}
    ${() => (card.value.priority !== 0 ? html`<span class="card-tag" title="Priority">p${card.value.priority}</span>`
      : null)}
    ${() => (card.value.key ? null : html`<span class="mono">${shortID(card.peek().id)}</span>`)}
    <span class="card-time num" title=${() => (isLater() ? "Held or for later" : "Queued for")}>${note}</span>
    ${more(card, verbs)}
  </article>`;
}

/**
 * A run that ended lately; what failed says why, and can go again.
 * @param {LiveCard} card @param {Model} model @param {Verbs} verbs
 */
export function recentRow(card, model, verbs) {
  const isFailed = () => card.value.status === "failed" || card.value.status === "timed_out";
  return html`<li class="recent-slot"><article class=${() =>
    `recent tone-${stateOf(card.value.status).tone}${isFailed() ? " is-failed" : ""}${chosen(card, model)}`}>
    <div class="card-top">${sign(() => card.value.status)}${title(card, model)}
      <span class="card-time" title="How long it took">${elapsed(() => card.value.started_at, () =>
        card.value.finished_at)}</span>
      ${more(card, verbs)}</div>
    ${() => (isFailed() ? html`<div class="recent-why"><span class="clip grow" title=${plain(card.value.failure ??
      "")}>${
      plain(card.value.failure ?? "It failed", 200)}</span>
      ${mayRun.value && model.isOpen.value ? html`<button class="button is-small"
        disabled=${() => model.isRetried(card.value)} title=${card.value.failed_step
        ? `Runs again from ${plain(card.value.failed_step, 80)}` : "Runs again from what did not succeed"}
        @click=${() => model.retry(card.peek())}>Retry</button>` : null}</div>` : null)}
  </article></li>`;
}
