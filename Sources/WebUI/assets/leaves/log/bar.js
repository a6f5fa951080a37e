// The bar above a log: search, filters, how lines are shown, going to a line, downloads.
// @ts-check
import { count, plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { path } from "../../core/router.js";
import { effect, flush, onEnd, signal, untracked } from "../../core/signal.js";
import { icon } from "../../parts/icon.js";
import { menuButton } from "../../parts/menu.js";
import { openDialog } from "../../parts/dialog.js";
import { hasTimes, isWrapped, levels } from "./state.js";

/**
 * @typedef {{state: import("./state.js").LogState, steps: () => {id: string, attempts?: any}[], hits: () => number,
 *   hitIndex: () => number, isSearching: () => boolean, searchError: () => any, step: (by: 1 | -1) => void,
 *   isFollowing: () => boolean, isActive: () => boolean, follow: () => void,
 *   downloads: () => any[], isFull: () => boolean, toggleFull: () => void}} BarOptions
 */

const searchMilliseconds = 180;
const words = /** @type {Record<string, string>} */ ({
  error: "Errors", warning: "Warnings", info: "Info", debug: "Debug", none: "Other",
});

/**
 * The bar, and its search field.
 * @param {BarOptions} options
 */
export function logBar(options) {
  const { state } = options;
  const field = searchField(options);
  const element = html`<div class="log-bar">
    ${field.element}
    <div class="segments log-levels" role="group" aria-label="Levels">${levels.map((level) => html`<button type="button"
      class=${`level-${level}`} aria-pressed=${() => String(state.levels.value.includes(level))}
        aria-label=${words[level]}
      title=${`Show only lines of this level: ${words[level].toLowerCase()}`} @click=${() => toggleLevel(state,
        level)}>${
        words[level].slice(0, 1)}<span class="log-word">${words[level].slice(1)}</span></button>`)}</div>
    ${selects(options)}
    <div class="log-tools">${buttons(options)}</div>
  </div>`;
  return { element, focus: field.focus };
}

/** @param {import("./state.js").LogState} state @param {string} level */
function toggleLevel(state, level) {
  const chosen = state.levels.peek();
  const next = chosen.includes(level) ? chosen.filter((other) => other !== level) : [...chosen, level];
  state.write({ level: next.length === levels.length ? null : next.join(",") });
}

/** @param {BarOptions} options */
function searchField({ state, hits, hitIndex, isSearching, searchError, step }) {
  /** @type {HTMLInputElement} */
  let input;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  onEnd(() => clearTimeout(timer));
  // Enter may be pressed before the lines are searched: it leads to what is found then.
  const wanted = signal(/** @type {0 | 1 | -1} */ (0));
  let wasSearching = false;
  effect(() => {
    const by = wanted.value;
    const isNow = isSearching();
    if (by !== 0 && hits() > 0) {
      wanted.value = 0;
      untracked(() => step(by));
    } else if (wasSearching && !isNow) wanted.value = 0;
    wasSearching = isNow;
  });
  const write = (/** @type {boolean} */ isNow, /** @type {0 | 1 | -1} */ by = 0) => {
    clearTimeout(timer);
    const at = path.peek();
    timer = setTimeout(() => {
      // The address may be the next page's before this one ends.
      if (path.peek() !== at) return;
      state.write({ q: input.value || null, ...(input.value ? {} : { only: null }) });
      // What was found before is forgotten first.
      flush();
      wanted.value = by;
    }, isNow ? 0 : searchMilliseconds);
  };
  const element = html`<div class="log-search">
    ${icon("search")}
    <input class="input mono" type="search" placeholder="Search all lines" aria-label="Search all lines"
      autocomplete="off" spellcheck="false"
      aria-invalid=${() => (searchError() ? "true" : null)} .value=${() => state.text.value}
      ref=${(/** @type {HTMLInputElement} */ element_) => { input = element_; }} @input=${() => write(false)}
      @keydown=${(/** @type {KeyboardEvent} */ event) => {
        if (event.key === "Enter") {
          const by = event.shiftKey ? -1 : 1;
          if (input.value !== state.text.peek()) write(true, by);
          else if (hits() > 0) step(by);
          else wanted.value = by;
        } else if (event.key === "Escape") {
          if (input.value) {
            input.value = "";
            write(true);
          } else input.blur();
          event.stopPropagation();
        } else return;
        event.preventDefault();
      }}>
    <output class="log-hits num" aria-live="polite">${() => {
      if (!state.text.value) return "";
      if (searchError()) return "–";
      const all = `${count(hits())}${isSearching() ? "…" : ""}`;
      return hitIndex() >= 0 ? `${count(hitIndex() + 1)} / ${all}` : isSearching() || hits() !== 1 ? `${all} lines`
        : "1 line";
    }}</output>
    ${toggle("Aa", "Match case", () => state.isCaseKept.value, (on) => state.write({ case: on ? "1" : null }))}
    ${toggle(".*", "Regular expression", () => state.isExpression.value, (on) => state.write({ regex: on ? "1"
      : null }))}
    ${iconButton("up", "Previous match (N)", () => step(-1), () => !state.text.value)}
    ${iconButton("down", "Next match (n)", () => step(1), () => !state.text.value)}
    ${iconButton("filter", "Show only lines that match", () => state.write({ only: state.isOnly.peek() ? null : "0" }),
      () => !state.text.value, () => state.isOnly.value)}
    ${() => (state.isOnly.value ? html`<select class="select" aria-label="Lines around each match" @change=${(/** @type
     *   {any} */ event) =>
      state.write({ only: event.target.value })}>${[0, 2, 5, 10].map((around) => html`<option value=${around}
        .selected=${() => state.around.value === around}>${around === 0 ? "matches"
          : `± ${around} lines`}</option>`)}</select>` : null)}
  </div>`;
  return { element, focus: () => { input.focus(); input.select(); } };
}

/** @param {string} text @param {string} label @param {() => boolean} isOn @param {(on: boolean) => void} set */
const toggle = (text, label, isOn, set) => html`<button type="button" class="icon-button log-toggle mono"
  aria-label=${label} title=${label}
  aria-pressed=${() => String(isOn())} @click=${() => set(!isOn())}>${text}</button>`;

/**
 * @param {string} name
 * @param {string} label
 * @param {() => void} run
 * @param {() => boolean} [isDisabled]
 * @param {() => boolean} [isOn]
 */
const iconButton = (name, label, run, isDisabled = () => false, isOn) => html`<button type="button" class="icon-button"
  aria-label=${label}
  title=${label} disabled=${isDisabled} aria-pressed=${isOn ? () => String(isOn()) : null}
    @click=${run}>${icon(name)}</button>`;

/** @param {BarOptions} options */
function selects({ state, steps }) {
  const attemptsOf = () => {
    const known = steps().filter((step) => !state.step.value || step.id === state.step.value)
      .map((step) => (Array.isArray(step.attempts) ? step.attempts.length : Number(step.attempts ?? 1)));
    return Math.max(1, state.attempt.value ?? 1, ...known.slice(0, 1000));
  };
  return html`
    ${() => (steps().length > 1 || state.step.value ? html`<select class="select log-select log-step" aria-label="Step"
      @change=${(/** @type {any} */ event) => state.chooseStep(event.target.value || null)}>
      <option value="" selected=${!state.step.value}>All steps</option>
      ${[...new Set([...(state.step.value ? [state.step.value] : []), ...steps().map((step) => step.id)])].slice(0,
        500).map((id) =>
        html`<option value=${id} selected=${id === state.step.value}>${plain(id, 80)}</option>`)}</select>` : null)}
    ${() => (attemptsOf() > 1 ? html`<select class="select log-select" aria-label="Attempt"
      @change=${(/** @type {any} */ event) => state.write({ attempt: event.target.value || null })}>
      <option value="" selected=${state.attempt.value === null}>All attempts</option>
      ${Array.from({ length: Math.min(100, attemptsOf()) }, (_, index) => html`<option value=${index + 1}
        selected=${state.attempt.value === index + 1}>Attempt ${index + 1}</option>`)}</select>` : null)}
    <select class="select log-select" aria-label="Output" @change=${(/** @type {any} */ event) =>
      state.write({ stream: event.target.value || null })}>
      ${[["", "All output"], ["stdout", "stdout"], ["stderr", "stderr"]].map(([value, text]) => html`<option
        value=${value}
        .selected=${() => (state.stream.value ?? "") === value}>${text}</option>`)}</select>`;
}

/** @param {BarOptions} options */
function buttons(options) {
  const { isFollowing, isActive, follow, downloads, isFull, toggleFull } = options;
  return html`
    <button type="button" class="button is-small log-follow" aria-pressed=${() => String(isFollowing())}
      @click=${follow}
      title="Stay at the newest line (f)">${() => icon(isFollowing() && isActive() ? "follow" : "down")}${() =>
        (isFollowing() ? (isActive() ? "Following" : "At the end") : isActive() ? "Follow" : "To the end")}</button>
    ${iconButton("clock", "Times (t)", () => { hasTimes.value = !hasTimes.peek(); }, undefined, () => hasTimes.value)}
    ${iconButton("wrap", "Wrap lines (w)", () => { isWrapped.value = !isWrapped.peek(); }, undefined, () =>
      isWrapped.value)}
    ${menuButton({ label: "Download", icon: "download", items: downloads })}
    ${iconButton("expand", "Full screen (F)", toggleFull, undefined, isFull)}`;
}

/**
 * Asks for a line to go to.
 * @param {{total: () => number, goTo: (line: number) => void}} options
 */
export function askLine({ total, goTo }) {
  const line = signal("");
  openDialog({
    title: "Go to line",
    body: (dialog) => html`<form class="dialog-form" method="dialog" @submit=${(/** @type {Event} */ event) => {
      event.preventDefault();
      const wanted = Number(line.peek());
      if (!Number.isInteger(wanted) || wanted < 1) return;
      dialog.close();
      goTo(wanted);
    }}>
      <label class="field"><span>Line, from 1 to ${count(total())}</span>
        <input class="input" inputmode="numeric" autocomplete="off" autofocus .value=${line}
          @input=${(/** @type {any} */ event) => { line.value = event.target.value.trim(); }}></label>
      <footer class="dialog-foot"><button type="submit" class="button is-primary">Go</button></footer></form>`,
  });
}
