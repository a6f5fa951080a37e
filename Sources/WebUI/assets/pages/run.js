// The page of one run: how it stands, its steps, its log, its graph, what was proved, and what can be done about it.
// @ts-check
import { html } from "../core/html.js";
import { plain, shortID } from "../core/format.js";
import { bind } from "../core/keys.js";
import { query, setQuery } from "../core/router.js";
import { kept } from "../core/settings.js";
import { computed, effect, flush, signal } from "../core/signal.js";
import { part } from "../data/api.js";
import { kindOf } from "../data/plan.js";
import { resource } from "../data/resource.js";
import { causeOf, isEnded, stepRows, stepToShow } from "../data/steps.js";
import { interest, listen } from "../data/stream.js";
import { loaded } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { lazily } from "../parts/lazy.js";
import { pageHead } from "../parts/page.js";
import { tabbed } from "../parts/tabs.js";
import { runHead, runTitle } from "./run/head.js";
import { inspector } from "./run/inspector.js";
import { proofs } from "./run/proofs.js";
import { stepList } from "./run/step-list.js";
import { verbs } from "./run/verbs.js";
import { runData } from "./run/run-data.js";
import { waitingPanel } from "./run/waiting-panel.js";

/**
 * What the parts of the page share.
 * @typedef {{id: string, run: () => any, plan: () => import("../data/plan.js").Plan | null,
 *   rows: import("../core/signal.js").Readable<import("../data/steps.js").StepRow[]>,
 *   row: (id: string | null) => import("../data/steps.js").StepRow | null,
 *   planStep: (id: string | null) => import("../data/plan.js").PlanStep | null,
 *   chosen: () => string | null, shown: () => string | null, attempt: () => number | null,
 *   select: (step: string | null, attempt?: number | null) => void,
 *   cause: () => {text: string, step: string | null} | null,
 *   why: import("../data/resource.js").Resource<any>, refresh: () => Promise<void>}} RunView
 */

/** Whether the details of the chosen step are shown beside the run. */
const isInspectorOpen = kept("run-inspector", true);
/** A run that waits in its queue makes no event when it is taken. */
const pollMilliseconds = 2000;

/** @param {import("../core/router.js").PageContext} context */
export default function runPage({ params }) {
  const id = params.id;
  /** @type {import("../core/signal.js").Readable<string>} */
  const whole = computed(() => String(data.data.value?.id ?? id));
  const ofRun = (/** @type {import("../data/stream.js").RunEvent} */ event) => event.run === whole.peek();
  const isOpen = computed(() => data.data.value !== null && !isEnded(data.data.value.status));
  /** @type {import("../data/resource.js").Resource<any>} */
  const data = resource(() => `/v1/runs/${part(id)}?include=steps,artifacts`, {
    on: (event) => ofRun(event) && event.type !== "step.output", gapMilliseconds: 200,
  });
  // While it is open it is asked for now and then too.
  const session = computed(() => data.data.value?.session ?? null);
  effect(() => {
    if (session.value !== null) interest(session.value);
  });
  resource(() => (isOpen.value ? "poll" : null), { every: pollMilliseconds, fetch: () => data.refresh() });
  const name = () => (data.data.value ? plain(data.data.value.plan, 80) : `Run ${shortID(id)}`);

  return html`<div class="page run-page">
    ${() => (data.data.value ? null : pageHead({ title: name }))}
    ${loaded(data, (run) => body(whole.peek(), run, data, ofRun))}
  </div>`;
}

/**
 * @param {string} id
 * @param {import("../core/signal.js").Readable<any>} run
 * @param {import("../data/resource.js").Resource<any>} data
 * @param {(event: import("../data/stream.js").RunEvent) => boolean} ofRun
 */
function body(id, run, data, ofRun) {
  const plan = resource(() => (run.value ? `/v1/plans/${part(run.value.plan_digest)}` : null));
  const why = resource(() => (run.value && !isEnded(run.value.status) ? `/v1/runs/${part(id)}/why` : null),
    { every: pollMilliseconds, on: ofRun, gapMilliseconds: 1000 });
  const begun = begunSteps(ofRun);
  const rows = computed(() => stepRows(plan.data.value, run.value?.steps ?? [], run.value, { kindOf,
    begun: begun.value }));
  const row = (/** @type {string | null} */ step) => rows.value.find((one) => one.id === step)
    ?? rows.value.flatMap((one) => one.items).find((one) => one.id === step) ?? null;
  const chosen = computed(() => query.value.get("step"));
  /** The step that was looked at last: it stays when the run ends well, so that nothing jumps. */
  let last = /** @type {string | null} */ (null);
  const shown = computed(() => {
    last = chosen.value && row(chosen.value) ? chosen.value : stepToShow(rows.value)?.id ?? last;
    return last;
  });
  const hasInspector = computed(() => isInspectorOpen.value && shown.value !== null);
  const attempt = computed(() => Number(query.value.get("attempt")) || null);
  /** @type {RunView} */
  const view = {
    id, run: () => run.value, plan: () => plan.data.value, rows, row, why, refresh: data.refresh,
    planStep: (step) => plan.data.value?.steps.find((/** @type {any} */ one) => one.id === step) ?? null,
    chosen: () => chosen.value, shown: () => shown.value, attempt: () => attempt.value,
    select: (step, number = null) => setQuery({ step, attempt: number === null ? null : String(number) }),
    cause: () => causeOf(run.value, rows.value),
  };
  for (const [index, tab] of tabNames.entries()) {
    bind(String(index + 1), `Tab ${index + 1}`, () => setQuery({ tab: tab === "log" ? null : tab }));
  }
  bind("i", "Details of the step", showDetails);
  bind("j", "Next step", () => move(view, 1));
  bind("k", "Step before", () => move(view, -1));
  const verifiers = () => rows.value.reduce((sum, one) => sum + (one.current?.verifiers.length ?? 0), 0);

  return html`
    ${pageHead({ title: () => runTitle(view), note: html`<button type="button" class="icon-button run-details"
      aria-pressed=${() => String(isInspectorOpen.value)} aria-label="Details of the step"
        title="Details of the step (i)"
      @click=${showDetails}>${icon("details")}</button>`,
        actions: verbs(view) })}
    ${runHead(view)}
    ${waitingPanel(view)}
    <div class="run-body" class:has-inspector=${hasInspector}>
      ${stepList(view)}
      ${tabbed({ label: "Views of the run", className: "run-tabs", tabs: [
        { id: "log", name: "Log", body: () => log(view) },
        { id: "graph", name: "Graph", body: () => lazily(() => import("./run/graph.js"),
          (module) => module.graph(view)) },
        { id: "timeline", name: "Timeline", body: () => lazily(() => import("../leaves/timeline.js"),
          (module) => module.timeline({
          run: view.run, rows: () => rows.value, selected: view.shown, onSelect: view.select })) },
        { id: "proofs", name: "Proofs", count: verifiers, body: () => proofs(view) },
        { id: "artifacts", name: "Artifacts", count: () => run.value.artifacts?.length
          ?? 0, body: () => artifacts(view) },
        { id: "inputs", name: "Inputs & outputs", body: () => runData(view) },
      ] })}
      ${() => (hasInspector.value ? inspector(view) : null)}
    </div>`;
}

/** Shows the details or puts them away; those that stand below what is in view, as on a phone, are gone to. */
function showDetails() {
  const find = () => document.querySelector(".run-inspector");
  const isBelow = () => (find()?.getBoundingClientRect().top ?? 0) > innerHeight - 120;
  if (!isInspectorOpen.peek() || !isBelow()) isInspectorOpen.value = !isInspectorOpen.peek();
  flush();
  if (isBelow()) find()?.scrollIntoView({ block: "start" });
}

const tabNames = ["log", "graph", "timeline", "proofs", "artifacts", "inputs"];

/**
 * Steps that began as the stream says, with when: the journal says it of some only when they end.
 * @param {(event: import("../data/stream.js").RunEvent) => boolean} ofRun
 */
function begunSteps(ofRun) {
  const begun = signal(/** @type {ReadonlyMap<string, string>} */ (new Map()));
  listen((event) => {
    if (!ofRun(event) || event.type === "step.output") return;
    const next = new Map(begun.peek());
    if (event.type.startsWith("run.")) next.clear();
    else if (event.type === "step.started" && event.step) next.set(event.step, event.at);
    else if (event.step) next.delete(event.step);
    begun.value = next;
  });
  return begun;
}

/** @param {RunView} view @param {number} by */
function move(view, by) {
  const rows = view.rows.value;
  if (rows.length === 0) return;
  const at = rows.findIndex((row) => row.id === view.shown());
  const next = rows[Math.min(rows.length - 1, Math.max(0, at + by))];
  view.select(next.id);
}

/** @param {RunView} view */
const log = (view) => lazily(() => import("../leaves/log.js"), (/** @type {any} */ module) => module.logView({
  run: () => view.id, status: () => view.run().status, step: view.chosen, onStep: view.select,
  steps: () => view.rows.value.map((row) => ({ id: row.id, attempts: Math.max(0, ...row.attempts.map((one) =>
    one.attempt)) })),
}));

/** @param {RunView} view */
const artifacts = (view) => lazily(() => import("../leaves/artifact.js"), (/** @type {any} */ module) =>
  module.artifactList({
  run: () => view.id, artifacts: () => view.run().artifacts ?? [], step: view.chosen,
}));
