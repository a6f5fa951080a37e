// The dialog that starts a run: inputs by the plan's own form, and where it runs.
// @ts-check
import { html } from "../core/html.js";
import { plain } from "../core/format.js";
import { navigate } from "../core/router.js";
import { computed, effect, signal, untracked } from "../core/signal.js";
import { get, make, part, url } from "../data/api.js";
import { resource } from "../data/resource.js";
import { openDialog } from "./dialog.js";
import { errorPanel, loaded, placeholder } from "./error.js";
import { selectField, textField } from "./field.js";
import { icon } from "./icon.js";
import { say } from "./toast.js";

/**
 * Where runs were sent last, so that the next dialog begins there; a session that is gone is passed over.
 * @type {{session: string, lane: string}}
 */
const last = { session: "", lane: "" };

/**
 * Opens it, for a template or for a plan; a run that was made is shown at once.
 * @param {{template?: string, digest?: string, session?: string, lane?: string, values?: Record<string, any>}} options
 */
export function openRunDialog({ template, digest, session, lane, values = {} }) {
  const name = template ?? digest?.slice(0, 19) ?? "";
  openDialog({
    title: `Run ${plain(name, 64)}`,
    body: (dialog) => {
      const source = resource(() => (template ? `/v1/templates/${part(template)}` : digest
        ? `/v1/plans/${part(digest)}` : null), {
        fetch: async (path, abort) => {
          const first = await get(path, { signal: abort });
          return template ? { digest: first.plan_digest, plan: await get(`/v1/plans/${part(first.plan_digest)}`,
            { signal: abort }) }
            : { digest, plan: first };
        },
      });
      return html`<div>${loaded(source, (data) => form(data.peek().plan, { template, digest, session, lane, values },
        dialog.close))}</div>`;
    },
  });
}

/**
 * @param {any} plan
 * @param {{template?: string, digest?: string, session?: string, lane?: string, values: Record<string, any>}} options
 * @param {() => void} close
 */
function form(plan, options, close) {
  const place = whereFields(options.session ?? last.session, options.lane ?? last.lane);
  const key = signal("");
  const priority = signal("");
  const error = signal(/** @type {any} */ (null));
  const isBusy = signal(false);
  /** @type {import("../core/signal.js").Signal<any>} */
  const inputs = signal(/** @type {any} */ (null));
  import("./schema-form.js").then((module) => { inputs.value = untracked(() => module.schemaForm(plan.inputs ?? {},
    options.values)); },
    (caught) => { error.value = caught; });
  const priorityError = () => (/^-?\d*$/.test(priority.value) ? "" : "A whole number.");

  const submit = async (/** @type {Event} */ event) => {
    event.preventDefault();
    if (isBusy.peek() || !inputs.peek() || priorityError()) return;
    if (hasErrors(inputs.peek().errors())) return;
    isBusy.value = true;
    error.value = null;
    try {
      const body = {
        ...(options.template ? { template: options.template } : { plan_digest: options.digest }),
        inputs: inputs.peek().value(), ...place.value(),
        ...(key.peek() ? { key: key.peek() } : {}), ...(priority.peek() ? { priority: Number(priority.peek()) } : {}),
      };
      const run = await make("/v1/runs", body);
      Object.assign(last, place.value());
      close();
      say("The run is queued.");
      navigate(`/ui/runs/${run.id}`);
    } catch (caught) {
      error.value = caught;
    }
    isBusy.value = false;
  };
  return html`<form class="dialog-form run-form" @submit=${submit}>
    ${plan.title ? html`<p class="muted">${plain(plan.title)}</p>` : null}
    ${() => (inputs.value ? inputs.value.element : placeholder())}
    ${place.element}
    <details class="more"><summary>${icon("right")}More</summary><div class="columns">
      ${textField({ label: "Key", value: key, isMono: true, hint: "For whom or what; keys of a lane take turns." })}
      ${textField({ label: "Priority", value: priority, error: priorityError, placeholder: "0",
        hint: "Lower runs first; the lane's own otherwise." })}
    </div></details>
    ${() => (error.value ? errorPanel(error.value) : null)}
    <footer class="dialog-foot"><button type="button" class="button" @click=${close}>Back</button>
      <button class="button is-primary" disabled=${() => isBusy.value || !inputs.value}>${icon("play")}Run</button>
        </footer>
  </form>`;
}

/**
 * Whether a form's errors are any, whatever holds them.
 * @param {any} errors
 */
export const hasErrors = (errors) => (Array.isArray(errors) ? errors.length > 0 : Object.keys(errors ?? {}).length > 0);

/**
 * Fields for a session and one of its lanes.
 * @param {string} session @param {string} lane
 * @returns {{element: any, value: () => {session: string, lane: string}}}
 */
export function whereFields(session, lane) {
  const sessions = resource(() => url("/v1/sessions", { status: "active", limit: 200 }));
  const chosen = signal(session);
  const chosenLane = signal(lane);
  const sessionNames = computed(() => (sessions.data.value?.sessions ?? []).map((/** @type {any} */ one) => one.name));
  // The default session is made by its first run: before that it has no lanes to ask for.
  const lanes = resource(() => (sessionNames.value.includes(chosen.value)
    ? `/v1/sessions/${part(chosen.value)}/lanes?limit=200` : null));
  const laneNames = computed(() => (lanes.data.value?.lanes ?? []).map((/** @type {any} */ one) => one.name));
  effect(() => {
    const names = sessionNames.value;
    if (!sessions.data.value || (chosen.peek() && names.includes(chosen.peek()))) return;
    chosen.value = names.includes("default") || names.length === 0 ? "default" : names[0];
  });
  effect(() => {
    const names = laneNames.value;
    if (lanes.data.value && !names.includes(chosenLane.peek())) chosenLane.value = names[0] ?? "A";
  });
  return {
    element: html`<div class="columns">
      ${selectField({ label: "Session", value: chosen, options: () => pairs(sessionNames.value, chosen.value) })}
      ${selectField({ label: "Lane", value: chosenLane, options: () => pairs(laneNames.value, chosenLane.value
        || "A") })}</div>`,
    value: () => ({ session: chosen.peek() || "default", lane: chosenLane.peek() || "A" }),
  };
}

/** @param {string[]} names @param {string} present @returns {[string, string][]} */
const pairs = (names, present) =>
  (names.includes(present) || !present ? names : [present, ...names]).map((name) => [name, plain(name, 64)]);
