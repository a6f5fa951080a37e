// The form that makes or changes a schedule.
// @ts-check
import { html } from "../../core/html.js";
import { plain } from "../../core/format.js";
import { computed, effect, signal, untracked } from "../../core/signal.js";
import { make, part, patch } from "../../data/api.js";
import { collect } from "../../data/collect.js";
import { exactly } from "../../data/exact.js";
import { resource } from "../../data/resource.js";
import { openDialog } from "../../parts/dialog.js";
import { errorPanel, placeholder } from "../../parts/error.js";
import { areaField, checkField, selectField, textField } from "../../parts/field.js";
import { icon } from "../../parts/icon.js";
import { planOf, planPath, whereFields } from "../../parts/run-dialog.js";
import { schemaForm } from "../../parts/schema-form.js";
import { attempt, say } from "../../parts/toast.js";
import { local, utc } from "./actions.js";

const misfires = /** @type {[string, string][]} */ ([
  ["latest", "One run for all of them"], ["skip", "Drop them"], ["all", "A run for each"],
]);
const overlaps = /** @type {[string, string][]} */ ([
  ["skip", "Drop the tick"], ["queue", "Queue behind it"], ["cancel", "Cancel it, then run"],
]);

/**
 * Opens the form.
 * @param {{row?: any, template?: string, done: (row: any) => void}} options `row` is what is changed.
 */
export async function openScheduleForm({ row, template, done }) {
  const inputs = row ? await attempt(() => exactly(row.inputs, `/v1/schedules/${part(row.name)}`, (document) =>
    document.inputs)) : {};
  if (!inputs) return;
  openDialog({ title: row ? `Edit ${plain(row.name, 64)}` : "New schedule", className: "is-wide",
    body: (dialog) => form(row && { ...row, inputs }, template ?? "", done, dialog) });
}

/**
 * @param {any} row @param {string} template
 * @param {(row: any) => void} done
 * @param {import("../../parts/dialog.js").OpenDialog} dialog
 */
function form(row, template, done, dialog) {
  const name = signal(row?.name ?? "");
  const title = signal(row?.title ?? "");
  const rules = signal((row?.rules ?? ["0 3 * * *"]).join("\n"));
  const zone = signal(row?.zone ?? Intl.DateTimeFormat().resolvedOptions().timeZone ?? "UTC");
  const source = signal(row ? row.template ?? "" : template);
  const misfire = signal(row?.misfire ?? "latest");
  const overlap = signal(row?.overlap ?? "skip");
  const jitter = signal(String((row?.jitter_ms ?? 0) / 1000));
  const key = signal(row?.key ?? "");
  const priority = signal(String(row?.priority ?? 0));
  // A field for a moment ends at minutes: what is not changed is not sent.
  const [begun, ended] = [row?.start, row?.end].map((at) => (at ? local(new Date(at)) : ""));
  const begins = signal(begun);
  const ends = signal(ended);
  const isPaused = signal(false);
  const { error, isBusy } = dialog;
  const place = whereFields(row?.session ?? "", row?.lane ?? "", true);
  const templates = resource(() => "/v1/templates", { fetch: collect("templates") });
  const templateNames = computed(() => (templates.data.value?.templates ?? []).map((/** @type {any} */ one) =>
    one.name));
  const inputs = inputsForm(() => ({ template: source.value, digest: row && !source.value ? row.plan_digest : null }),
    row?.inputs ?? {});
  effect(() => {
    if (!row && !source.peek() && templateNames.value.length > 0) source.value = templateNames.value[0];
  });
  const isReady = () => !isBusy.value && place.isReady() && inputs.isReady();

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (!isReady() || !inputs.touch()) return;
    const isSource = source.peek() && source.peek() !== row?.template;
    const body = {
      name: name.peek(), title: title.peek(), zone: zone.peek(), misfire: misfire.peek(), overlap: overlap.peek(),
        key: key.peek(),
      rules: rules.peek().split("\n").map((/** @type {string} */ line) => line.trim()).filter(Boolean),
      jitter_ms: Math.round(Number(jitter.peek() || 0) * 1000), priority: Number(priority.peek() || 0),
      ...place.value(), inputs: inputs.value(),
      ...(isSource ? { template: source.peek() } : {}),
      ...(begins.peek() !== begun ? { start: begins.peek() ? utc(begins.peek()) : null } : {}),
      ...(ends.peek() !== ended ? { end: ends.peek() ? utc(ends.peek()) : null } : {}),
      ...(!row && isPaused.peek() ? { paused: true } : {}),
    };
    let made = /** @type {any} */ (null);
    const isDone = await dialog.perform(async () => {
      made = row ? await patch(`/v1/schedules/${part(row.name)}`, body,
        { headers: { "if-match": `"${row.revision}"` } }) : await make("/v1/schedules", body);
    });
    if (!isDone) return;
    say(row ? `${made.name} is changed.` : `${made.name} is made.`);
    if (!dialog.element.open) return;
    dialog.close();
    done(made);
  };
  return html`<form class="dialog-form" @submit=${submit}>
    <div class="columns">
      ${textField({ label: "Name", value: name, isRequired: true, isMono: true, isFirst: true,
        placeholder: "nightly-backup" })}
      ${textField({ label: "Title", value: title, placeholder: "What it is for" })}
    </div>
    <div class="columns">
      ${areaField({ label: "When", value: rules, rows: 3, isMono: true, isRequired: true,
        hint: html`One rule a line: cron as <code>0 3 * * *</code> or <code>@hourly</code>, or <code>every
          10m</code>.` })}
      <div class="stack">${textField({ label: "Zone", value: zone, list: "zones", hint: "Whose clocks cron goes by." })}
        <datalist id="zones">${zones().map((one) => html`<option value=${one}></option>`)}</datalist></div>
    </div>
    ${selectField({ label: "Template", value: source, hint: row && !row.template
      ? "It runs a plan by its digest now; a template takes its place." : "",
      options: () => names(templateNames.value, source.value, Boolean(row && !row.template)) })}
    ${inputs.element}
    ${place.element}
    <details class="more"><summary>${icon("right")}More</summary><div class="stack">
      <div class="columns">
        ${selectField({ label: "While a run is open", value: overlap, options: overlaps })}
        ${selectField({ label: "Ticks missed while no node ran", value: misfire, options: misfires })}
      </div><div class="columns">
        ${textField({ label: "Begins", value: begins, type: "datetime-local" })}
        ${textField({ label: "Ends", value: ends, type: "datetime-local" })}
      </div><div class="columns">
        ${textField({ label: "Spread, seconds", value: jitter, type: "number",
          hint: "Each run begins up to so much later." })}
        ${textField({ label: "Priority", value: priority, type: "number" })}
        ${textField({ label: "Key", value: key, isMono: true })}
      </div>
      ${row ? null : checkField({ label: "Paused at first", value: isPaused })}
    </div></details>
    ${() => (error.value ? errorPanel(error.value) : null)}
    <footer class="dialog-foot"><button type="button" class="button" disabled=${isBusy}
      @click=${dialog.dismiss}>Back</button><button class="button is-primary" disabled=${() => !isReady()}>${
      row ? "Save" : "Make the schedule"}</button></footer>
  </form>`;
}

/**
 * The form of a plan's inputs; it changes with the plan.
 * @param {() => {template?: string, digest?: string | null}} source Whose plan it is.
 * @param {Record<string, any>} values
 */
function inputsForm(source, values) {
  const plan = planOf(source);
  // The plan that was chosen before stays until the next has come; one that comes again keeps what was typed.
  const stored = computed(() => (plan.data.value?.path === planPath(source()) ? plan.data.value?.stored ?? null : null));
  /** @type {import("../../core/signal.js").Signal<any>} */
  const current = signal(null);
  effect(() => {
    current.value = stored.value === null ? null
      : untracked(() => schemaForm(plan.data.value?.plan.inputs ?? {}, values));
  });
  const isReady = () => planPath(source()) === null || current.value !== null;
  const element = html`<div>${() => {
    if (plan.error.value && !current.value) return errorPanel(plan.error.value, () => plan.refresh());
    if (!isReady()) return placeholder();
    return !current.value || current.value.isEmpty ? null : html`<fieldset class="inputs-fieldset"><legend
      class="label">Inputs</legend>${current.value.element}</fieldset>`;
  }}</div>`;
  return { element, isReady, touch: () => current.peek()?.touch() ?? true, value: () => current.peek()?.value() ?? {} };
}

/**
 * @param {string[]} known @param {string} present
 * @param {boolean} mayBeNone
 * @returns {[string, string][]}
 */
function names(known, present, mayBeNone) {
  const all = present && !known.includes(present) ? [present, ...known] : known;
  const pairs = /** @type {[string, string][]} */ (all.map((name) => [name, plain(name, 64)]));
  return mayBeNone || pairs.length === 0 ? [["", mayBeNone ? "The plan that it runs now"
    : "There is no template yet"], ...pairs] : pairs;
}

/** @returns {string[]} */
const zones = () => ["UTC", .../** @type {any} */ (Intl).supportedValuesOf?.("timeZone") ?? []];
