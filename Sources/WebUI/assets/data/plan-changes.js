// Which steps and which settings differ between two plans. Pure.
// @ts-check

/**
 * What changed from one plan to another.
 * @param {any} before
 * @param {any} after
 * @returns {{added: string[], removed: string[], changed: string[], other: string[]}} Steps by their ids; `other`
 *   names what else differs.
 */
export function planChanges(before, after) {
  const old = new Map((before.steps ?? []).map((/** @type {any} */ step) => [step.id, canonical(step)]));
  const now = new Map((after.steps ?? []).map((/** @type {any} */ step) => [step.id, canonical(step)]));
  const names = new Set([...Object.keys(before), ...Object.keys(after)]);
  names.delete("steps");
  return {
    added: [...now.keys()].filter((id) => !old.has(id)),
    removed: [...old.keys()].filter((id) => !now.has(id)),
    changed: [...now.keys()].filter((id) => old.has(id) && old.get(id) !== now.get(id)),
    other: [...names].filter((name) => canonical(before[name]) !== canonical(after[name])).sort(),
  };
}

/**
 * The same text for the same value, whatever the order of its members.
 * @param {any} value
 * @returns {string}
 */
function canonical(value) {
  if (Array.isArray(value)) return `[${value.map(canonical).join(",")}]`;
  if (value && typeof value === "object") {
    return `{${Object.keys(value).sort().map((key) => `${JSON.stringify(key)}:${canonical(value[key])}`).join(",")}}`;
  }
  return JSON.stringify(value) ?? "null";
}
