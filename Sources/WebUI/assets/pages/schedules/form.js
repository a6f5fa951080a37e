// The form that makes or changes a schedule.
// @ts-check
import { html } from "../../core/html.js";
import { plain } from "../../core/format.js";
import { computed, effect, signal, untracked } from "../../core/signal.js";
import { make, part, patch } from "../../data/api.js";
import { resource } from "../../data/resource.js";
import { openDialog } from "../../parts/dialog.js";
import { errorPanel } from "../../parts/error.js";
import { areaField, checkField, selectField, textField } from "../../parts/field.js";
import { icon } from "../../parts/icon.js";
import { hasErrors, whereFields } from "../../parts/run-dialog.js";
import { say } from "../../parts/toast.js";
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
export function openScheduleForm({ row, template, done }) {
  openDialog({ title: row ? `Edit ${plain(row.name, 64)}` : "New schedule", className: "is-wide",
    body: (dialog) => form(row, template ?? "", (made) => { dialog.close(); done(made); }, dialog.close) });
}

/**
 * @param {any} row @param {string} template
 * @param {(row: any) => void} done
 * @param {() => void} close
 */
function form(row, template, done, close) {
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
  const begins = signal(row?.start ? local(new Date(row.start)) : "");
  const ends = signal(row?.end ? local(new Date(row.end)) : "");
  const isPaused = signal(false);
  const error = signal(/** @type {any} */ (null));
  const isBusy = signal(false);
  const place = whereFields(row?.session ?? "", row?.lane ?? "");
  const templates = resource(() => "/v1/templates?limit=200");
  const templateNames = computed(() => (templates.data.value?.templates ?? []).map((/** @type {any} */ one) =>
    one.name));
  const digest = computed(() => (templates.data.value?.templates ?? []).find((/** @type {any} */ one) =>
    one.name === source.value)?.plan_digest ?? (row && !source.value ? row.plan_digest : null));
  const plan = resource(() => (digest.value ? `/v1/plans/${part(digest.value)}` : null));
  const inputs = inputsForm(plan, row?.inputs ?? {});
  effect(() => {
    if (!row && !source.peek() && templateNames.value.length > 0) source.value = templateNames.value[0];
  });

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (isBusy.peek() || (inputs.current() && hasErrors(inputs.current().errors()))) return;
    isBusy.value = true;
    error.value = null;
    const isSource = source.peek() && source.peek() !== row?.template;
    const body = {
      name: name.peek(), title: title.peek(), zone: zone.peek(), misfire: misfire.peek(), overlap: overlap.peek(),
        key: key.peek(),
      rules: rules.peek().split("\n").map((/** @type {string} */ line) => line.trim()).filter(Boolean),
      jitter_ms: Math.round(Number(jitter.peek() || 0) * 1000), priority: Number(priority.peek() || 0),
      ...place.value(), inputs: inputs.current()?.value() ?? row?.inputs ?? {},
      ...(isSource ? { template: source.peek() } : {}),
      ...(begins.peek() || row?.start ? { start: begins.peek() ? utc(begins.peek()) : null } : {}),
      ...(ends.peek() || row?.end ? { end: ends.peek() ? utc(ends.peek()) : null } : {}),
      ...(!row && isPaused.peek() ? { paused: true } : {}),
    };
    try {
      const made = row ? await patch(`/v1/schedules/${part(row.name)}`, body,
        { headers: { "if-match": `"${row.revision}"` } })
        : await make("/v1/schedules", body);
      say(row ? `${made.name} is changed.` : `${made.name} is made.`);
      done(made);
    } catch (caught) {
      error.value = caught;
    }
    isBusy.value = false;
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
    <footer class="dialog-foot"><button type="button" class="button" @click=${close}>Back</button>
      <button class="button is-primary" disabled=${isBusy}>${row ? "Save" : "Make the schedule"}</button></footer>
  </form>`;
}

/**
 * The form of a plan's inputs; it changes with the plan.
 * @param {import("../../data/resource.js").Resource<any>} plan @param {Record<string, any>} values
 */
function inputsForm(plan, values) {
  /** @type {import("../../core/signal.js").Signal<any>} */
  const module = signal(/** @type {any} */ (null));
  import("../../parts/schema-form.js").then((loaded) => { module.value = loaded; });
  /** @type {any} */
  let current = null;
  const element = html`<div>${() => {
    const declared = plan.data.value?.inputs;
    const form = module.value;
    current = null;
    if (!declared || !form || Object.keys(declared).length === 0) return null;
    return untracked(() => {
      current = form.schemaForm(declared, values);
      return html`<fieldset class="inputs-fieldset"><legend class="label">Inputs</legend>${current.element}</fieldset>`;
    });
  }}</div>`;
  return { element, current: () => current };
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
