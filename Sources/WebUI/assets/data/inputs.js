// What texts mean as the values of a form: a command bar's `name=value`, by the type that the field has. Pure.
// @ts-check
import { fieldsOf, read } from "./schema.js";

/**
 * Values of texts. What does not fit its field stays a text, for whoever reads it to say so.
 * @param {any} schema A plan's `inputs`, or a JSON schema of type `object`.
 * @param {Record<string, string>} texts
 * @returns {Record<string, any>}
 */
export function valuesOf(schema, texts) {
  const fields = new Map(fieldsOf(schema).map((field) => [field.name, field]));
  return Object.fromEntries(Object.entries(texts).map(([name, text]) => [name, valueOf(fields.get(name), text)]));
}

/** @param {import("./schema.js").Field | undefined} field @param {string} text */
function valueOf(field, text) {
  if (!field) return text;
  if (field.options) return field.options.find((option) => written(option).includes(text)) ?? text;
  return read(field, text).value ?? text;
}

/**
 * The ways a choice may be written.
 * @param {any} option
 */
const written = (option) => (typeof option === "string" ? [option] : [JSON.stringify(option), String(option)]);
