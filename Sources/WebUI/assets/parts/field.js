// Fields of forms: a label, what is typed or chosen, a hint, and what is wrong with it.
// @ts-check
import { html } from "../core/html.js";

/**
 * @typedef {import("../core/signal.js").Signal<string>} Text
 * @typedef {{label: string, value: Text, hint?: any, error?: () => string | null | undefined, isRequired?: boolean,
 *   isDisabled?: boolean | (() => boolean), isFirst?: boolean}} FieldOptions
 */

/** @param {FieldOptions} options @param {any} control */
const frame = ({ label, hint, error }, control) => html`<label class="field"><span>${label}</span>${control}
  ${hint ? html`<span class="hint">${hint}</span>` : null}
  ${() => { const text = error?.(); return text ? html`<span class="wrong" role="alert">${text}</span>`
    : null; }}</label>`;

/**
 * A line of text.
 * @param {FieldOptions & {type?: string, placeholder?: string, isMono?: boolean, list?: string,
 *   pattern?: string}} options
 */
export const textField = (options) => frame(options, html`<input class=${options.isMono ? "input mono" : "input"}
  type=${options.type ?? "text"} placeholder=${options.placeholder ?? null} required=${options.isRequired ?? false}
  pattern=${options.pattern ?? null} list=${options.list ?? null} autocomplete="off" spellcheck="false"
    autofocus=${options.isFirst ?? false}
  disabled=${options.isDisabled ?? false} aria-invalid=${() => (options.error?.() ? "true" : null)}
  .value=${options.value} @input=${(/** @type {any} */ event) => { options.value.value = event.target.value; }}>`);

/**
 * Lines of text.
 * @param {FieldOptions & {rows?: number, placeholder?: string, isMono?: boolean}} options
 */
export const areaField = (options) => frame(options, html`<textarea class=${options.isMono ? "textarea mono"
  : "textarea"}
  rows=${options.rows ?? 3} placeholder=${options.placeholder ?? null} spellcheck="false"
    required=${options.isRequired ?? false}
  disabled=${options.isDisabled ?? false} aria-invalid=${() => (options.error?.() ? "true" : null)}
  .value=${options.value} @input=${(/** @type {any} */ event) => { options.value.value =
    event.target.value; }}></textarea>`);

/**
 * One of several.
 * @param {FieldOptions & {options: [string, string][] | (() => [string, string][])}} options Values with their words.
 */
export const selectField = (options) => frame(options, html`<select class="select"
  disabled=${options.isDisabled ?? false}
  @change=${(/** @type {any} */ event) => { options.value.value = event.target.value; }}>${() =>
    (typeof options.options === "function" ? options.options() : options.options).map(([value, word]) =>
      html`<option value=${value}
        .selected=${() => options.value.value === value}>${word}</option>`)}</select>`);

/**
 * Yes or no.
 * @param {{label: any, value: import("../core/signal.js").Signal<boolean>, hint?: any}} options
 */
export const checkField = ({ label, value, hint }) => html`<div class="field"><label class="check">
  <input type="checkbox" .checked=${value}
    @change=${(/** @type {any} */ event) => { value.value = event.target.checked; }}><span>${label}</span></label>
  ${hint ? html`<span class="hint">${hint}</span>` : null}</div>`;
