// The graph of a run: the plan's picture with the states of its steps.
// @ts-check
import { now } from "../../core/clock.js";
import { duration } from "../../core/format.js";
import { html } from "../../core/html.js";
import { computed } from "../../core/signal.js";
import { part } from "../../data/api.js";
import { resource } from "../../data/resource.js";
import { isEnded } from "../../data/steps.js";
import { dag } from "../../leaves/dag.js";
import { loaded } from "../../parts/error.js";

/** @param {import("../run.js").RunView} view */
export function graph(view) {
  // The plan first: the steps are called as it calls them.
  const picture = resource(() => (view.plan() ? `/v1/plans/${part(view.run().plan_digest)}/graph` : null));
  const states = computed(() => new Map(view.rows.value.map((row) => [row.id, { state: row.state,
    note: noteOf(row) }])));
  return html`<div class="run-graph">${loaded(picture, (data) => dag({
    graph: () => data.peek(), states: () => states.value, selected: view.shown, onSelect: view.select,
    onOpen: (id) => view.select(id), canFollow: !isEnded(view.run().status),
    titles: new Map((view.plan()?.steps ?? []).map((step) => [step.id, step.title ?? ""])),
  }))}</div>`;
}

/** @param {import("../../data/steps.js").StepRow} row */
function noteOf(row) {
  const attempts = row.current && row.current.attempt > 1 ? `#${row.current.attempt} ` : "";
  if (!row.begunAt || row.state === "pending" || row.state === "skipped") return attempts.trim();
  const isOpen = ["running", "waiting", "retrying"].includes(row.state);
  const end = row.endedAt ? Date.parse(row.endedAt) : isOpen ? now.value : Date.parse(row.begunAt);
  return `${attempts}${duration(end - Date.parse(row.begunAt))}`;
}
