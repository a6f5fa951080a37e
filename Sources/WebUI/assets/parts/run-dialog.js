// The dialog that starts a run: inputs by the plan's own form, and where it runs.
// @ts-check
import { html } from "../core/html.js";
import { duration, fullMoment, plain } from "../core/format.js";
import { navigate } from "../core/router.js";
import { computed, effect, signal, untracked } from "../core/signal.js";
import { get, make, part, url } from "../data/api.js";
import { collect } from "../data/collect.js";
import { exactly } from "../data/exact.js";
import { resource } from "../data/resource.js";
import { openDialog } from "./dialog.js";
import { errorPanel, loaded } from "./error.js";
import { selectField, textField } from "./field.js";
import { icon } from "./icon.js";
import { schemaForm } from "./schema-form.js";
import { say } from "./toast.js";

/**
 * Where runs were sent last, so that the next dialog begins there; a session that is gone is passed over.
 * @type {{session: string, lane: string}}
 */
const last = { session: "", lane: "" };

/**
 * Opens it, for a template or for a plan; a run that was made is shown at once.
 * @param {{template?: string, digest?: string, session?: string, lane?: string, values?: Record<string, any>,
 *   rest?: Record<string, any>}} options `rest` is what else is known of the run, as it is sent.
 */
export function openRunDialog({ template, digest, session, lane, values = {}, rest = {} }) {
  const name = template ?? digest?.slice(0, 19) ?? "";
  openDialog({
    title: `Run ${plain(name, 64)}`,
    body: (dialog) => {
      const source = planOf(() => ({ template, digest }));
      return html`<div>${loaded(source, (data) => form(data.peek().plan,
        { template, digest, session, lane, values, rest }, dialog))}</div>`;
    },
  });
}

/**
 * The plan of a template or of a digest; its defaults are exact.
 * @param {() => {template?: string, digest?: string | null}} source What it reads is followed.
 * @returns {import("../data/resource.js").Resource<{path: string, stored: string, plan: any}>} `path` is what was asked
 *   for, `stored` where the plan is.
 */
export const planOf = (source) => resource(() => planPath(source()), {
  fetch: async (path, abort) => {
    const first = await get(path, { signal: abort });
    const stored = first.plan_digest ? `/v1/plans/${part(first.plan_digest)}` : path;
    const plan = stored === path ? first : await get(stored, { signal: abort });
    return { path, stored, plan: { ...plan, inputs: await exactly(plan.inputs, stored, (document) => document.inputs) } };
  },
});

/** @param {{template?: string, digest?: string | null}} source */
export const planPath = ({ template, digest }) => (template ? `/v1/templates/${part(template)}`
  : digest ? `/v1/plans/${part(digest)}` : null);

/**
 * @param {any} plan
 * @param {{template?: string, digest?: string, session?: string, lane?: string, values: Record<string, any>,
 *   rest: Record<string, any>}} options
 * @param {import("./dialog.js").OpenDialog} dialog
 */
function form(plan, options, dialog) {
  const place = whereFields(options.session ?? last.session, options.lane ?? last.lane);
  const { key: knownKey = "", priority: knownPriority = "", ...others } = options.rest;
  const key = signal(knownKey);
  const priority = signal(String(knownPriority));
  const { error, isBusy } = dialog;
  const inputs = untracked(() => schemaForm(plan.inputs ?? {}, options.values));
  const priorityError = () => (/^(-?\d+)?$/.test(priority.value) ? "" : "A whole number.");

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (isBusy.peek() || !place.isReady() || !inputs.touch()) return;
    if (priorityError()) return;
    let run = /** @type {any} */ (null);
    const isDone = await dialog.perform(async () => {
      run = await make("/v1/runs", {
        ...others, ...(options.template ? { template: options.template } : { plan_digest: options.digest }),
        inputs: inputs.value(), ...place.value(),
        ...(key.peek() ? { key: key.peek() } : {}), ...(priority.peek() ? { priority: Number(priority.peek()) } : {}),
      });
    });
    if (!isDone) return;
    Object.assign(last, place.value());
    shown(dialog, `/ui/runs/${run.id}`, "The run is queued.");
  };
  return html`<form class="dialog-form run-form" @submit=${submit}>
    ${plan.title ? html`<p class="muted">${plain(plan.title)}</p>` : null}
    ${inputs.element}
    ${place.element}
    ${Object.keys(others).length > 0 ? html`<p class="muted">Also as said: ${words(others)}.</p>` : null}
    <details class="more" ref=${(/** @type {HTMLDetailsElement} */ more) => effect(() => {
      if (priorityError() || knownKey || knownPriority !== "") more.open = true;
    })}><summary>${icon("right")}More</summary><div class="columns">
      ${textField({ label: "Key", value: key, isMono: true, hint: "For whom or what; keys of a lane take turns." })}
      ${textField({ label: "Priority", value: priority, error: priorityError, placeholder: "0",
        hint: "Higher goes first; 0 otherwise." })}
    </div></details>
    ${() => (error.value ? errorPanel(error.value) : null)}
    <footer class="dialog-foot"><button type="button" class="button" disabled=${isBusy}
      @click=${dialog.dismiss}>Back</button><button class="button is-primary" disabled=${() =>
      isBusy.value || !place.isReady()}>${icon("play")}Run</button></footer>
  </form>`;
}

/**
 * What a run is made with, in words.
 * @param {Record<string, any>} members
 * @returns {string}
 */
const words = (members) => Object.entries(members).map(([name, value]) => {
  const word = name.replace(/_ms$/, "").replaceAll("_", " ");
  if (typeof value === "object") return Object.keys(value).length > 0 ? `${word} (${words(value)})` : word;
  return `${word} ${name.endsWith("_ms") ? duration(value) : name.endsWith("_at") ? fullMoment(value) : plain(value, 60)}`;
}).join(", ");

/**
 * Goes from a dialog to what it made; who has left the page meanwhile is only told of it.
 * @param {import("./dialog.js").OpenDialog} dialog @param {string} href @param {string} text
 */
export function shown(dialog, href, text) {
  if (!dialog.element.open) return say(text, { href, text: "Show the run" });
  dialog.close();
  say(text);
  navigate(href);
}

/**
 * Fields for a session and one of its lanes.
 * @param {string} session @param {string} lane
 * @param {boolean} [isKept] Whether a session stays that takes no runs any more, until another is chosen.
 * @returns {{element: any, value: () => {session: string, lane: string}, isReady: () => boolean}} `isReady` can be
 *   followed: not while the lanes of the session are asked for.
 */
export function whereFields(session, lane, isKept = false) {
  const sessions = resource(() => url("/v1/sessions", { status: "active" }), { fetch: collect("sessions") });
  const chosen = signal(session);
  const chosenLane = signal(lane);
  const sessionNames = computed(() => (sessions.data.value?.sessions ?? []).map((/** @type {any} */ one) => one.name));
  // The default session is made by its first run: before that it has no lanes to ask for.
  const path = computed(() => (sessionNames.value.includes(chosen.value)
    ? `/v1/sessions/${part(chosen.value)}/lanes` : null));
  const lanes = resource(() => path.value, {
    fetch: async (asked, abort) => ({ path: asked, ...await collect("lanes")(asked, abort) }),
  });
  // Those of the session before stay until the next have come.
  const isReady = () => sessions.data.value !== null && (path.value === null || lanes.data.value?.path === path.value);
  const laneNames = computed(() => (isReady() ? (lanes.data.value?.lanes ?? []).map((/** @type {any} */ one) =>
    one.name) : []));
  effect(() => {
    const names = sessionNames.value;
    if (!sessions.data.value || (chosen.peek() && names.includes(chosen.peek()))) return;
    if (isKept && session && chosen.peek() === session) return;
    chosen.value = names.includes("default") || names.length === 0 ? "default" : names[0];
  });
  effect(() => {
    const names = laneNames.value;
    if (lanes.data.value && isReady() && !names.includes(chosenLane.peek())) chosenLane.value = names[0] ?? "A";
  });
  const failure = () => sessions.error.value ?? lanes.error.value;
  return {
    element: html`<div class="stack"><div class="columns">
      ${selectField({ label: "Session", value: chosen, options: () => pairs(sessionNames.value, chosen.value) })}
      ${selectField({ label: "Lane", value: chosenLane, options: () => pairs(laneNames.value, chosenLane.value
        || "A") })}</div>${() => (failure() ? errorPanel(failure()) : null)}</div>`,
    value: () => ({ session: chosen.peek() || "default", lane: chosenLane.peek() || "A" }),
    isReady,
  };
}

/** @param {string[]} names @param {string} present @returns {[string, string][]} */
const pairs = (names, present) =>
  (names.includes(present) || !present ? names : [present, ...names]).map((name) => [name, plain(name, 64)]);
