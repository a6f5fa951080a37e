// The chosen step in detail: what it does, how each attempt ended, what it gave, what was checked.
// @ts-check
import { duration, fullMoment, moment, plain, plainLines } from "../../core/format.js";
import { html } from "../../core/html.js";
import { computed } from "../../core/signal.js";
import { actionFacts, checkText, kindOf, retryText } from "../../data/plan.js";
import { mayRun } from "../../data/me.js";
import { copyButton } from "../../parts/copy.js";
import { icon } from "../../parts/icon.js";
import { keyed } from "../../parts/keyed.js";
import { chip, sign } from "../../parts/status.js";
import { elapsed } from "../../parts/time.js";
import { factList, valueView } from "./value.js";
import { canRetry, skipOf } from "./allowed.js";

/**
 * @typedef {import("../run.js").RunView} RunView
 * @typedef {import("../../data/steps.js").StepRow} StepRow
 * @typedef {import("../../data/steps.js").StepAttempt} StepAttempt
 */

/** Items of a fan-out that are listed. */
const itemsMax = 200;

/** @param {RunView} view */
export function inspector(view) {
  const id = computed(() => view.shown());
  return html`<aside class="run-inspector" aria-label="The chosen step">${() => {
    const step = id.value;
    return step === null ? null : details(view, step);
  }}</aside>`;
}

/** @param {RunView} view @param {string} id */
function details(view, id) {
  const row = computed(() => view.row(id) ?? null);
  const attempt = computed(() => {
    const wanted = view.attempt();
    return row.value?.attempts.find((one) => one.attempt === wanted && view.chosen() === id) ?? row.value?.current
      ?? row.value?.attempts[row.value.attempts.length - 1] ?? null;
  });
  // A step's journal rows are other objects at every fetch; only what they say is of interest.
  const text = computed(() => JSON.stringify(attempt.value));
  const name = () => plain(row.value?.title || id, 160);
  return html`
    <header class="inspector-head"><h2>${name}</h2><span class="grow"></span>
      ${chip(() => row.value?.state ?? "pending")}</header>
    <p class="muted small inspector-id"><code>${plain(id, 100)}</code>${copyButton(() => id, "Copy the step's id")}
      <span class="grow"></span>${() => (row.value?.begunAt && !["pending", "skipped",
        "by_hand"].includes(row.value.state) ? html`<span
        title=${fullMoment(row.value.begunAt)}>${
        moment(row.value.begunAt)}</span> · ${elapsed(() => row.value?.begunAt, () => row.value?.endedAt ?? null)}`
          : null)}</p>
    ${keyed(() => `${mayRun.value} ${view.run().status} ${Boolean(view.planStep(id))} ${Boolean(row.value)} ${
      row.value ? JSON.stringify(skip(view, row.value)) : ""}`,
      () => stepVerbs(view, id, row.value))}
    ${keyed(() => JSON.stringify([row.value?.attempts.map((one) => [one.attempt, one.state, one.superseded]),
      attempt.value?.attempt]),
      () => attemptTabs(view, id, row.value, attempt.value))}
    ${() => {
      const seen = /** @type {StepAttempt | null} */ (JSON.parse(text.value));
      return seen ? outcome(seen) : row.value?.state === "pending"
        ? html`<p class="muted">${pending(view, id)}</p>` : null;
    }}
    ${keyed(() => JSON.stringify(row.value?.items.map((item) => [item.id, item.state, item.endedAt])) ?? "",
      () => items(view, row.value))}
    ${() => planned(view, id)}`;
}

/** @param {RunView} view @param {string} id */
function pending(view, id) {
  const needs = view.planStep(id)?.needs ?? [];
  const open = needs.filter((need) => !["succeeded", "skipped", "by_hand"].includes(view.row(need)?.state ?? ""));
  return open.length > 0 ? `It has not begun: it needs ${open.map((need) => plain(need, 60)).join(", ")}.`
    : "It has not begun.";
}

/** @param {RunView} view @param {string} id @param {StepRow | null} row */
function stepVerbs(view, id, row) {
  if (!row || !mayRun.value || view.planStep(id) === null) return null;
  const retry = canRetry(view.run());
  const byHand = skip(view, row);
  if (!retry && !byHand) return null;
  return html`<div class="actions">
    ${retry ? html`<button type="button" class="button is-small" title="This step and all that need it run again"
      @click=${async () => (await import("./retry.js")).openRetry(view,
        id)}>${icon("retry")}Retry from here</button>` : null}
    ${byHand ? html`<button type="button" class="button is-small" disabled=${byHand.why !== ""}
      title="Somebody did it by hand: the run goes on without it"
      @click=${async () => (await import("./skip.js")).openSkip(view, id)}>${icon("hand")}Done by hand…</button>`
        : null}
    ${byHand?.why ? html`<span class="muted small">Not by hand: ${plain(byHand.why)}.</span>` : null}
  </div>`;
}

/** @param {RunView} view @param {StepRow} row */
const skip = (view, row) => skipOf(view.run(), row, view.rows.value, (step) => view.planStep(step)?.needs ?? []);

/** @param {RunView} view @param {string} id @param {StepRow | null} row @param {StepAttempt | null} shown */
function attemptTabs(view, id, row, shown) {
  const attempts = (row?.attempts ?? []).filter((attempt) => attempt.attempt > 0);
  if (attempts.length < 2) return null;
  return html`<div class="segments inspector-attempts" role="group" aria-label="Attempts">${attempts.map((attempt) =>
    html`<button type="button"
    aria-pressed=${String(attempt === shown)} title=${attempt.superseded ? "Of an earlier go" : null}
    @click=${() => view.select(id, attempt.attempt)}>${sign(() => (attempt.state === "intent" ? "running"
      : attempt.state))} ${
      attempt.attempt}</button>`)}</div>`;
}

/**
 * How an attempt ended.
 * @param {StepAttempt} attempt
 */
function outcome(attempt) {
  const outputs = Object.keys(attempt.outputs ?? {});
  const took = attempt.begun_at && attempt.ended_at ? Date.parse(attempt.ended_at) - Date.parse(attempt.begun_at)
    : null;
  return html`
    ${attempt.failure && !attempt.by_hand ? html`<div class=${`inspector-failure tone-${attempt.state === "skipped"
      ? "cancelled" : "failed"}`}>
      ${icon(attempt.state === "skipped" ? "skip" : "warning")}<span>${plainLines(attempt.failure.slice(0,
        4000))}</span></div>` : null}
    ${attempt.by_hand ? html`<div class="inspector-failure tone-blocked">${icon("hand")}<span><b>Done by hand</b> by ${
      plain(attempt.by_hand.by, 80)}, ${moment(attempt.by_hand.at)}:<br>${plainLines(
        attempt.by_hand.note)}</span></div>` : null}
    ${attempt.superseded ? html`<p class="muted small">Of an earlier go: it does not count any more.</p>` : null}
    ${attempt.snoozed_ms ? html`<p class="muted small">It asked to be tried again after ${duration(
      attempt.snoozed_ms)}.</p>` : null}
    ${took === null || attempt.attempt === 0 ? null : html`<p class="muted small">Attempt ${attempt.attempt} took
      ${duration(took)}.</p>`}
    ${attempt.verifiers.length > 0 ? section("Checks", html`<ul class="inspector-checks">${attempt.verifiers.map((
      one) => html`<li>
      ${sign(() => (one.result === "passed" ? "succeeded" : "failed"))}<span class="grow"><b>${plain(one.id, 80)}</b>
      ${one.result === "passed" ? null : html`<span class="inspector-check"><span
        class="muted">expected</span> <code>${plain(one.expected, 400)}</code>
        <span class="muted">observed</span> <code>${plain(one.observed, 400)}</code></span>`}</span>
      ${one.required ? null : html`<span class="muted small">not required</span>`}</li>`)}</ul>`) : null}
    ${outputs.length > 0 ? section("Outputs", html`<dl class="facts">${outputs.map((name) => html`<dt><code>${plain(
      name, 80)}</code></dt>
      <dd>${valueView(attempt.outputs[name])}</dd>`)}</dl>`) : null}
    ${attempt.result === null || attempt.result === undefined ? null : section("Result", valueView(attempt.result))}`;
}

/** @param {string} title @param {any} body @param {boolean} [isOpen] */
const section = (title, body, isOpen = true) => html`<details class="inspector-section" open=${isOpen}>
  <summary>${icon("right")}${title}</summary><div>${body}</div></details>`;

/** @param {RunView} view @param {StepRow | null} row */
function items(view, row) {
  const list = row?.items ?? [];
  if (list.length === 0) return null;
  return section(`Parts (${list.length})`, html`<ul class="inspector-items">${list.slice(0, itemsMax)
    .map((item) => html`<li>
    <button type="button" class="inspector-item" @click=${() => view.select(item.id)}>${sign(() => item.state)}<span
      class="grow clip">${
      plain(item.id, 100)}${item.isUndo ? " (undone)" : ""}</span><span class="muted">${elapsed(() => item.begunAt,
        () => item.endedAt)}</span></button>
    </li>`)}${list.length > itemsMax ? html`<li class="muted small">${list.length - itemsMax} more</li>` : null}</ul>`);
}

/**
 * What the plan says of the step.
 * @param {RunView} view
 * @param {string} id
 */
function planned(view, id) {
  const step = view.planStep(id.replace(/[[!].*$/s, ""));
  if (!step) return null;
  return html`${section("What it does", factList([{ name: "Kind", value: kindOf(step) }, ...actionFacts(step.action)]))}
    ${section("Rules", rules(step), false)}`;
}

/**
 * What holds for a step besides what it does; the plan's page shows it too.
 * @param {import("../../data/plan.js").PlanStep} step
 */
export function rules(step) {
  /** @type {import("../../data/plan.js").Fact[]} */
  const facts = [
    { name: "Effects", value: { none: "none: it may always run again", idempotent: "idempotent: twice is like once",
      destructive: "destructive: it never runs twice by itself" }[step.effects] ?? step.effects },
    { name: "Needs", value: step.needs.join(", ") || "nothing" },
    { name: "Only if", value: step.condition, isCode: true },
    { name: "At most", value: duration(step.timeoutMilliseconds) },
    { name: "Tried", value: retryText(step.retry) },
    { name: "Before it", value: step.preconditions.map((one) => `${one.id}: ${checkText(one)}`).join("\n"),
      isCode: true },
    { name: "After it", value: step.verify.map((one) => `${one.id}${one.required ? ""
      : " (not required)"}: ${checkText(one)}`).join("\n"), isCode: true },
    { name: "Undone by", value: step.rollback.map((one) => actionFacts(one.action).map((fact) => fact.value)
      .join(" ")).join("\n"), isCode: true },
    { name: "Keeps", value: step.artifacts.map((one) => one.name ?? (typeof one.file === "string" ? one.file
      : "a file")).join(", ") },
  ];
  return factList(facts.filter((fact) => fact.value));
}
