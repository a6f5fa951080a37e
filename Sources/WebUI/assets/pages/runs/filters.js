// What narrows the list of runs: statuses with their counts, a text, time, and the rest behind a button.
// @ts-check
import { now } from "../../core/clock.js";
import { count } from "../../core/format.js";
import { html } from "../../core/html.js";
import { bind } from "../../core/keys.js";
import { computed, effect, onEnd, signal } from "../../core/signal.js";
import { resource } from "../../data/resource.js";
import { excluded, groups, isAny, localTime, pieces, presets, standing, statuses, toggled } from "../../data/run-filter.js";
import { icon } from "../../parts/icon.js";
import { menuButton } from "../../parts/menu.js";
import { stateOf } from "../../parts/status.js";

/** How long somebody may pause while typing. */
const typeMilliseconds = 250;
/** From when on a span's beginning is not what its name says. */
const lateMilliseconds = 60_000;
const ended = new Set(["failed", "timed_out", "cancelled", "succeeded"]);

/** @typedef {import("../../data/run-filter.js").RunFilter} RunFilter */

/**
 * @param {{filter: () => RunFilter, change: (filter: RunFilter) => void, counts: () => any,
 *   reckoned: {at: () => number, anew: () => void}}} options `reckoned`: when a span that reaches back was counted.
 */
export function filterBar({ filter, change, counts, reckoned }) {
  const isOpen = signal(false);
  /** @param {Partial<RunFilter>} members */
  const set = (members) => change({ ...filter(), ...members });
  return html`<section class="runs-filters" aria-label="Filters">
    <div class="runs-line">
      ${textField(filter, set)}
      ${timeField(filter, set, () => { isOpen.value = true; })}
      <button class="button" aria-expanded=${() => String(isOpen.value)} aria-controls="runs-more"
        @click=${() => { isOpen.value = !isOpen.peek(); }}>${icon("filter")} More filters</button>
    </div>
    ${statusLine(filter, set, counts)}
    <div id="runs-more" hidden=${() => !isOpen.value}>${() => (isOpen.value ? moreFields(filter, set) : null)}</div>
    ${chosen(filter, change, reckoned)}
  </section>`;
}

/** @param {() => RunFilter} filter @param {(members: Partial<RunFilter>) => void} set */
function textField(filter, set) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  onEnd(() => clearTimeout(timer));
  const field = /** @type {HTMLInputElement} */ (html`<input class="input" type="search" maxlength="200"
    aria-label="Text in the plan's name, the failure or the inputs; the beginning of an id"
    placeholder="Plan, failure, input or id" autocomplete="off" spellcheck="false" .value=${() => filter().text}
    @input=${() => {
      clearTimeout(timer);
      timer = setTimeout(() => set({ text: field.value.trim() }), typeMilliseconds);
    }} @keydown=${(/** @type {KeyboardEvent} */ event) => {
      if (event.key !== "Enter" && event.key !== "Escape") return;
      clearTimeout(timer);
      if (event.key === "Escape") field.value = "";
      set({ text: field.value.trim() });
      field.blur();
    }}>`);
  bind("/", "Search the runs", () => field.focus());
  return html`<label class="runs-text">${icon("search")}${field}</label>`;
}

/** @param {() => RunFilter} filter @param {(members: Partial<RunFilter>) => void} set @param {() => void} openMore */
function timeField(filter, set, openMore) {
  const field = /** @type {HTMLSelectElement} */ (html`<select class="select runs-time" aria-label="Time"
    @change=${() => {
    if (field.value === "own") openMore();
    else set({ since: field.value, from: "", to: "" });
  }}>
    <option value="">Any time</option>
    ${Object.entries(presets).map(([name, { text }]) => html`<option value=${name}>${text}</option>`)}
    <option value="own">Own range…</option>
  </select>`);
  // Only once its options are there it can have one of them.
  effect(() => { field.value = filter().since || (filter().from || filter().to ? "own" : ""); });
  return field;
}

/**
 * The statuses: a click shows those, with Alt not those; each with how many there are.
 * @param {() => RunFilter} filter @param {(members: Partial<RunFilter>) => void} set @param {() => any} counts
 */
function statusLine(filter, set, counts) {
  const many = (/** @type {string} */ name) => {
    const told = counts();
    if (!told) return null;
    return told.open?.[name] ?? told.ended?.[name] ?? null;
  };
  return html`<div class="runs-statuses" role="group" aria-label="Statuses">
    ${statuses.map((name) => {
      const { sign, word, tone } = stateOf(name);
      const how = () => standing(filter().status, name);
      return html`<button class=${() => `status-toggle tone-${tone} is-${how()}`}
        aria-pressed=${() => String(how() === "in")}
        aria-label=${() => `${how() === "out" ? "Not " : ""}${word}${many(name) === null ? ""
          : `, ${many(name)}${ended.has(name) ? " in the last 24 hours" : ""}`}`}
        title=${() => `${how() === "in" ? "Take out" : "Show"} ${word.toLowerCase()} runs; with Alt: all but those${
          ended.has(name) ? ". The number is of the last 24 hours" : ""}`}
        @click=${(/** @type {MouseEvent} */ event) =>
          set({ status: (event.altKey ? excluded : toggled)(filter().status, name) })}>
        <span class="sign" aria-hidden="true">${sign}</span><span>${() => (how() === "out"
          ? `not ${word.toLowerCase()}` : word)}</span>
        <span class="status-count">${() => (many(name) ? count(many(name)) : "")}</span></button>`;
    })}
    ${menuButton({ label: "More about statuses", items: () => statusMenu(filter, set) })}
  </div>`;
}

/** @param {() => RunFilter} filter @param {(members: Partial<RunFilter>) => void} set */
function statusMenu(filter, set) {
  const words = filter().status;
  const of = (/** @type {string} */ name) => stateOf(name).word.toLowerCase();
  return [
    { text: "All that are open", run: () => set({ status: ["open"] }) },
    { text: "All that have ended", run: () => set({ status: ["ended"] }) },
    { text: "Failed for good, nobody put aside", run: () => set({ status: ["dead"] }) },
    null,
    ...statuses.map((name) => ({ text: `Only ${of(name)}`, run: () => set({ status: [name] }) })),
    null,
    ...statuses.filter((name) => name !== "paused").map((name) => ({
      text: words.includes(`-${name}`) ? `Let ${of(name)} in again` : `Not ${of(name)}`,
      run: () => set({ status: excluded(words, name) }),
    })),
    null,
    {
      text: "Hide scheduled runs that went well", icon: filter().quiet ? "check" : undefined,
      run: () => set({ quiet: !filter().quiet }),
    },
  ];
}

/** @param {() => RunFilter} filter @param {(members: Partial<RunFilter>) => void} set */
function moreFields(filter, set) {
  const sessions = resource(() => "/v1/sessions?limit=200");
  const templates = resource(() => "/v1/templates?limit=200");
  /** @param {keyof RunFilter} name @param {string} label @param {string} [list] */
  const field = (name, label, list) => html`<label class="field"><span>${label}</span>
    <input class="input" maxlength="200" autocomplete="off" list=${list ?? null} .value=${() => String(filter()[name])}
      @change=${(/** @type {any} */ event) => set({ [name]: event.target.value.trim() })}></label>`;
  /** @param {"from" | "to"} name @param {string} label */
  const time = (name, label) => html`<label class="field"><span>${label}</span>
    <input class="input" type="datetime-local" .value=${() => (filter()[name]
      ? localTime(Date.parse(filter()[name])) : "")}
      @change=${(/** @type {any} */ event) => {
        const at = event.target.value ? new Date(event.target.value).toISOString() : "";
        set({ [name]: at, since: "" });
      }}></label>`;
  return html`<div class="runs-fields">
    ${field("session", "Session", "runs-sessions")}${field("lane", "Lane")}${field("template", "Template",
      "runs-templates")}
    ${field("plan", "Plan")}${field("key", "Key")}${field("parent", "Started by run")}
    <label class="field"><span>Time of</span><select class="select" .value=${() => filter().by}
      @change=${(/** @type {any} */ event) => set({ by: event.target.value })}>
      <option value="enqueued">Queuing</option><option value="finished">End</option></select></label>
    ${time("from", "From")}${time("to", "To")}
    <label class="check"><input type="checkbox" .checked=${() => filter().quiet}
      @change=${(/** @type {any} */ event) => set({ quiet: event.target.checked })}> Hide scheduled runs unless failed</label>
    <datalist id="runs-sessions">${() => (sessions.data.value?.sessions ?? []).map((/** @type {any} */ one) =>
      html`<option value=${one.name}></option>`)}</datalist>
    <datalist id="runs-templates">${() => (templates.data.value?.templates ?? []).map((/** @type {any} */ one) =>
      html`<option value=${one.name}></option>`)}</datalist>
  </div>`;
}

/**
 * What was chosen, each with a button that takes it away; statuses are seen above. A span keeps its beginning while
 * time goes on: then that is said, and it can be counted from now.
 * @param {() => RunFilter} filter @param {(filter: RunFilter) => void} change
 * @param {{at: () => number, anew: () => void}} reckoned
 */
function chosen(filter, change, reckoned) {
  const isLate = computed(() => filter().since !== "" && now.value - reckoned.at() >= lateMilliseconds);
  const begin = () => (isLate.value ? reckoned.at() - presets[filter().since].ms : undefined);
  const shown = () => pieces(filter(), begin()).filter((piece) => piece.without.status.length === filter().status.length
    || filter().status.some((word) => groups.includes(word) && !piece.without.status.includes(word)));
  return html`<div class="runs-chosen" hidden=${() => shown().length === 0 || isAny(filter())}>
    ${() => shown().map((piece) => html`<span class="tag is-closable"><span class="clip">${piece.text}</span>
      <button class="tag-close" aria-label=${`Take away: ${piece.text}`}
        @click=${() => change(piece.without)}>${icon("close")}</button></span>`)}
    ${() => (isLate.value ? html`<button class="link-button" @click=${reckoned.anew}>${
      presets[filter().since].text} from now</button>` : null)}
  </div>`;
}
