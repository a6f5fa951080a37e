// What a form needs to know of a schema: its fields, what a typed text means, what is wrong with it. Pure.
// @ts-check

/**
 * A field: of a plan's input or of a JSON schema's property.
 * @typedef {{name: string, title: string, hint: string, type: string, options: any[] | null, isRequired: boolean,
 *   fallback: any, isPath: boolean, isLong: boolean, rules: any}} Field
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
    ?? {}, required.has(name)));
  // What must be said stands first; otherwise as it was written.
  return fields.map((field, index) => ({ field, index }))
    .sort((a, b) => Number(b.field.isRequired) - Number(a.field.isRequired) || a.index - b.index)
    .map(({ field }) => field);
}

/** @param {string} name @param {any} property @param {boolean} isRequired @returns {Field} */
function fieldOf(name, property, isRequired) {
  const options = Array.isArray(property.enum) ? property.enum : null;
  const type = property.type ?? (options ? typeOf(options[0]) : "string");
  const isPath = property.format === "path";
  const fallback = property.default ?? undefined;
  return {
    name, type: Array.isArray(type) ? type.find((/** @type {string} */ one) => one !== "null") ?? "string" : type,
    title: property.title ?? name, options, isRequired, fallback, isPath, rules: property,
    hint: property.description ?? (isPath ? "An absolute path on the node" : ""),
    isLong: typeof fallback === "string" && (fallback.includes("\n") || fallback.length > 80) || (property.maxLength
      ?? 0) > 200,
  };
}

/** @param {any} value */
const typeOf = (value) => (Array.isArray(value) ? "array" : value === null ? "string"
  : typeof value === "number" ? (Number.isInteger(value) ? "integer" : "number") : typeof value);

/**
 * A value as the text of its field.
 * @param {Field} field
 * @param {any} value
 */
export function textOf(field, value) {
  if (value === undefined || value === null) return "";
  if (field.options) return String(field.options.findIndex((option) => same(option, value)));
  return typeof value === "string" && field.type === "string" ? value : JSON.stringify(value, null,
    field.type === "object" ? 2 : 0);
}

/** @param {any} a @param {any} b */
const same = (a, b) => JSON.stringify(a) === JSON.stringify(b);

/**
 * What a field's text means.
 * @param {Field} field @param {string} text
 * @returns {{value?: any, error?: string}} Neither where nothing is said and nothing needs to be.
 */
export function read(field, text) {
  if (field.options) {
    const option = text === "" ? undefined : field.options[Number(text)];
    return option === undefined ? (field.isRequired ? { error: "choose one" } : {}) : { value: option };
  }
  const isText = field.type === "string";
  const given = isText ? text : text.trim();
  if (given === "" && !(isText && !field.isRequired && typeof field.fallback === "string")) {
    return field.isRequired ? { error: "this is needed" } : {};
  }
  const parsed = isText ? { value: text } : parse(field.type, given);
  if (parsed.error) return parsed;
  const error = broken(field.rules, parsed.value);
  return error ? { error } : parsed;
}

/** @param {string} type @param {string} text @returns {{value?: any, error?: string}} */
function parse(type, text) {
  let value;
  try {
    value = JSON.parse(text);
  } catch {
    value = undefined;
  }
  switch (type) {
    case "integer": return Number.isSafeInteger(value) ? { value } : { error: "a whole number, as 12" };
    case "number": return typeof value === "number" ? { value } : { error: "a number, as 1.5" };
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
  if (typeof value === "number") {
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
