// A form made of a schema: a plan's inputs, or a JSON schema of type `object`.
// @ts-check
import { plain } from "../core/format.js";
import { html } from "../core/html.js";
import { computed, signal } from "../core/signal.js";
import { writeExactly } from "../data/exact.js";
import { fieldsOf, read, textOf } from "../data/schema.js";
import { sentence } from "./error.js";

let last = 0;

/**
 * A form for a schema. A field that is left empty is left out, so that the plan's default holds.
 * @param {any} schema A plan's `inputs`, or a JSON schema of type `object`.
 * @param {Record<string, any>} [values] What stands in it at first; else the defaults.
 * @returns {{element: Node, value: () => Record<string, any>, errors: () => {name: string, message: string}[],
 *   isEmpty: boolean, touch: () => boolean}} `value` and `errors` can be followed. `touch`, before it is sent, has
 *   every field say what is wrong with it and goes to the first that is wrong; it tells whether none is.
 */
export function schemaForm(schema, values = {}) {
  const fields = fieldsOf(schema);
  const id = `form-${(last += 1)}`;
  const entries = fields.map((field) => {
    const given = (Object.hasOwn(values, field.name) ? values[field.name] : null) ?? field.fallback;
    const text = signal(textOf(field, given));
    return { field, text, isTouched: signal(false), parsed: computed(() => read(field, text.value)) };
  });
  const value = () => {
    // Without a prototype any name is a member, `__proto__` too.
    /** @type {Record<string, any>} */
    const result = Object.create(null);
    for (const { field, parsed } of entries) {
      if (parsed.value.value !== undefined) result[field.name] = parsed.value.value;
    }
    return result;
  };
  const errors = () => entries.filter(({ parsed }) => parsed.value.error)
    .map(({ field, parsed }) => ({ name: field.name, message: `${field.title}: ${parsed.value.error}` }));
  const controls = entries.map((entry, index) => control(entry, `${id}-${index}`));
  const element = html`<div class="schema-form">${controls}</div>`;
  const touch = () => {
    for (const entry of entries) entry.isTouched.value = true;
    const wrong = entries.findIndex(({ parsed }) => parsed.peek().error);
    if (wrong >= 0) /** @type {HTMLElement} */ (element.querySelector(`#${id}-${wrong}`)).focus();
    return wrong < 0;
  };
  return { element, value, errors, touch, isEmpty: fields.length === 0 };
}

/**
 * @typedef {{field: import("../data/schema.js").Field, text: import("../core/signal.js").Signal<string>,
 *   isTouched: import("../core/signal.js").Signal<boolean>,
 *   parsed: import("../core/signal.js").Readable<{value?: any, error?: string}>}} Entry
 */

/** @param {Entry} entry @param {string} id */
function control(entry, id) {
  const { field, text, isTouched, parsed } = entry;
  const wrong = () => (isTouched.value ? parsed.value.error ?? "" : "");
  const set = (/** @type {any} */ event) => { text.value = event.target.value; };
  const leave = () => { isTouched.value = true; };
  // A box says yes or no; only what has a default has said one of them before.
  if (field.type === "boolean" && !field.options && typeof field.fallback === "boolean") {
    return html`<label class="check schema-check"><input type="checkbox" id=${id} .checked=${() => text.value === "true"}
      @change=${(/** @type {any} */ event) => { text.value = String(event.target.checked); }}>
      <span>${label(field)}</span></label>`;
  }
  const shared = { id, describe: `${id}-note` };
  return html`<div class="field">
    <label class="label" for=${id}>${label(field)}${field.isRequired ? html`<span class="muted"> · needed</span>`
      : null}</label>
    ${body(entry, shared, set, leave)}
    <span id=${shared.describe} class=${() => (wrong() ? "wrong" : "hint")}>${() => plain(wrong()
      ? sentence(wrong()) : note(field))}</span>
  </div>`;
}

/** @param {import("../data/schema.js").Field} field */
const label = (field) => plain(field.title, 200);

/** @param {import("../data/schema.js").Field} field */
function note(field) {
  const type = field.options || field.type === "string" || field.type === "boolean" ? "" : field.type === "object" || field.type === "array"
    ? `${field.type}, as JSON` : field.type;
  return [field.title === field.name ? "" : field.name, type, field.hint].filter(Boolean).join(" · ");
}

/**
 * What can be chosen, with its words; `null` where anything can be typed.
 * @param {import("../data/schema.js").Field} field
 * @returns {[string, string][] | null}
 */
function choicesOf(field) {
  if (field.options) {
    return field.options.map((option, index) => [String(index), typeof option === "string" ? option
      : writeExactly(option)]);
  }
  return field.type === "boolean" ? [["true", "Yes"], ["false", "No"]] : null;
}

/**
 * @param {Entry} entry @param {{id: string, describe: string}} shared
 * @param {(event: any) => void} set @param {() => void} leave
 */
function body({ field, text, isTouched, parsed }, shared, set, leave) {
  const invalid = () => (isTouched.value && parsed.value.error ? "true" : null);
  const choices = choicesOf(field);
  if (choices) {
    return html`<select class="select" id=${shared.id} aria-describedby=${shared.describe} aria-invalid=${invalid}
      @change=${set} @blur=${leave}>
      ${field.isRequired && text.peek() === "" || !field.isRequired ? html`<option value="">${field.isRequired
        ? "Choose…" : "Not said"}</option>` : null}
      ${choices.map(([value, word]) => html`<option value=${value} selected=${value === text.peek()}>${
        plain(word, 120)}</option>`)}</select>`;
  }
  if (field.type === "object" || field.type === "array" || field.isLong) {
    return html`<textarea class=${field.type === "string" ? "textarea" : "textarea mono"} id=${shared.id} rows="4"
      spellcheck="false"
      aria-describedby=${shared.describe} aria-invalid=${invalid} .value=${text} @input=${set}
        @blur=${leave}></textarea>`;
  }
  return html`<input class="input" id=${shared.id} autocomplete="off" spellcheck="false"
    inputmode=${field.type === "integer" ? "numeric" : field.type === "number" ? "decimal" : null}
    aria-describedby=${shared.describe} aria-invalid=${invalid} .value=${text} @input=${set} @blur=${leave}>`;
}
