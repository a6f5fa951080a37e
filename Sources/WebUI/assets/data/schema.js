// What a form needs to know of a schema: its fields, what a typed text means, what is wrong with it. Pure.
// @ts-check
import { inputToSend, parseExactly, writeExactly } from "./exact.js";

/**
 * A field: of a plan's input or of a JSON schema's property.
 * @typedef {{name: string, title: string, hint: string, type: string, options: any[] | null, isRequired: boolean,
 *   fallback: any, isPath: boolean, isLong: boolean, isInput: boolean, rules: any}} Field `isInput`: of a plan's input.
 */

/**
 * The fields of a plan's inputs, or of a JSON schema of type `object`.
 * @param {any} schema
 * @returns {Field[]}
 */
export function fieldsOf(schema) {
  const isSchema = typeof schema?.type === "string" || Array.isArray(schema?.required);
  const properties = (isSchema ? schema.properties : schema) ?? {};
  const required = new Set(isSchema ? schema.required ?? [] : Object.keys(properties).filter((name) =>
    properties[name]?.default === undefined || properties[name]?.default === null));
  const fields = Object.entries(properties).map(([name, property]) => fieldOf(name, property
    ?? {}, required.has(name), !isSchema));
  // What must be said stands first; otherwise as it was written.
  return fields.map((field, index) => ({ field, index }))
    .sort((a, b) => Number(b.field.isRequired) - Number(a.field.isRequired) || a.index - b.index)
    .map(({ field }) => field);
}

/** @param {string} name @param {any} property @param {boolean} isRequired @param {boolean} isInput @returns {Field} */
function fieldOf(name, property, isRequired, isInput) {
  const options = Array.isArray(property.enum) ? property.enum : null;
  const type = property.type ?? (options ? typeOf(options[0]) : "string");
  const isPath = property.format === "path";
  const fallback = property.default ?? undefined;
  return {
    name, type: Array.isArray(type) ? type.find((/** @type {string} */ one) => one !== "null") ?? "string" : type,
    title: property.title ?? name, options, isRequired, fallback, isPath, isInput, rules: property,
    hint: property.description ?? (isPath ? "An absolute path on the node" : ""),
    isLong: typeof fallback === "string" && (fallback.includes("\n") || fallback.length > 80) || (property.maxLength
      ?? 0) > 200,
  };
}

/** @param {any} value */
const typeOf = (value) => (Array.isArray(value) ? "array" : value === null ? "string"
  : typeof value === "number" ? (Number.isInteger(value) ? "integer" : "number") : typeof value);

/** Types whose values are no texts. */
const written = ["integer", "number", "boolean", "array", "object"];

/**
 * A value as the text of its field.
 * @param {Field} field
 * @param {any} value
 */
export function textOf(field, value) {
  if (value === undefined || value === null) return "";
  if (field.options) {
    const at = field.options.findIndex((option) => same(option, value));
    return at < 0 ? "" : String(at);
  }
  // A text in a field of another kind is what somebody wrote: it stands there as it is, to be put right.
  return typeof value === "string" && ["string", ...written].includes(field.type) ? value : writeExactly(value,
    field.type === "object" ? 2 : 0);
}

/** @param {any} a @param {any} b */
const same = (a, b) => writeExactly(a) === writeExactly(b);

/**
 * What a field's text means.
 * @param {Field} field @param {string} text
 * @returns {{value?: any, error?: string}} Neither where nothing is said and nothing needs to be.
 */
export function read(field, text) {
  if (field.options) {
    const option = text === "" ? undefined : field.options[Number(text)];
    return option === undefined ? (field.isRequired ? { error: "choose one" } : {}) : toSend(field, option);
  }
  const isText = field.type === "string";
  const given = isText ? text : text.trim();
  if (given === "" && !(isText && !field.isRequired && typeof field.fallback === "string")) {
    return field.isRequired ? { error: field.type === "boolean" ? "choose one" : "this is needed" } : {};
  }
  const parsed = isText ? { value: text } : parse(field.type, given);
  if (parsed.error) return parsed;
  const error = broken(field.rules, parsed.value);
  return error ? { error } : toSend(field, parsed.value);
}

/** @param {Field} field @param {any} value @returns {{value?: any, error?: string}} */
function toSend(field, value) {
  const sent = inputToSend(value);
  return sent === value || field.isInput ? { value: sent }
    : { error: "a number is too large for this page; use the command line" };
}

/** The largest whole number that the node takes. */
const integerMax = 2n ** 63n - 1n;
/** @param {any} value */
const isInteger64 = (value) => Number.isSafeInteger(value)
  || typeof value === "bigint" && value <= integerMax && value >= -integerMax - 1n;

/** @param {string} type @param {string} text @returns {{value?: any, error?: string}} */
function parse(type, text) {
  let value;
  try {
    value = parseExactly(text);
  } catch {
    value = undefined;
  }
  switch (type) {
    case "integer": return isInteger64(value) ? { value } : typeof value === "bigint"
      ? { error: `at most ${integerMax}, at least ${-integerMax - 1n}` } : { error: "a whole number, as 12" };
    case "number": return typeof value === "number" || typeof value === "bigint" ? { value }
      : { error: "a number, as 1.5" };
    case "boolean": return typeof value === "boolean" ? { value } : { error: "true or false" };
    case "array": return Array.isArray(value) ? { value } : { error: "a list as JSON, as [\"a\", \"b\"]" };
    case "object": return value && typeof value === "object" && !Array.isArray(value)
      ? { value } : { error: "an object as JSON, as {\"a\": 1}" };
    default: return value === undefined ? { value: text } : { value };
  }
}

/**
 * What of a schema's rules a value breaks; the node checks all of them.
 * @param {any} rules
 * @param {any} value
 */
function broken(rules, value) {
  if (typeof value === "number" || typeof value === "bigint") {
    if (rules.minimum !== undefined && value < rules.minimum) return `at least ${rules.minimum}`;
    if (rules.maximum !== undefined && value > rules.maximum) return `at most ${rules.maximum}`;
  }
  if (typeof value === "string") {
    const length = [...value].length;
    if (rules.minLength !== undefined && length < rules.minLength) return `at least ${rules.minLength} characters`;
    if (rules.maxLength !== undefined && length > rules.maxLength) return `at most ${rules.maxLength} characters`;
    if (rules.format === "path" && !value.startsWith("/")
      && !value.startsWith("upload:")) return "an absolute path on the node";
  }
  if (Array.isArray(value)) {
    if (rules.minItems !== undefined && value.length < rules.minItems) return `at least ${rules.minItems} items`;
    if (rules.maxItems !== undefined && value.length > rules.maxItems) return `at most ${rules.maxItems} items`;
  }
  return null;
}
