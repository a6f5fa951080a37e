// The text of a template as the node has it, and how two texts are shown beside each other.
// @ts-check
import { plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { ApiError, get, part } from "../../data/api.js";
import { lazily } from "../../parts/lazy.js";

/** @typedef {{files: Record<string, string>, main: string, title: string, revision: number}} Draft */

/**
 * The text of a template as it is stored now; its plan as JSON where the text was not kept.
 * @param {string} name @param {any} row
 * @returns {Promise<Draft & {isStored: boolean}>}
 */
export async function sourceOf(name, row, revision = 0) {
  let source = null;
  try {
    source = await get(`/v1/templates/${part(name)}/source${revision ? `?revision=${revision}` : ""}`);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
  const of = { title: source?.title ?? row.title ?? "", revision: source?.revision ?? row.revision };
  if (source?.files && Object.keys(source.files).length > 0) {
    const main = source.main ?? Object.keys(source.files)[0];
    return { ...of, files: source.files, main, isStored: true };
  }
  if (source?.source) return { ...of, files: { "plan.yaml": readable(source.source) }, main: "plan.yaml", isStored: true };
  const plan = await get(`/v1/plans/${part(source?.plan_digest ?? row.plan_digest)}`);
  return { ...of, files: { "plan.json": JSON.stringify(plan, null, 2) }, main: "plan.json", isStored: false };
}

/**
 * What differs between two texts of a template: their main files, and the others that are not the same.
 * @param {Draft} before @param {Draft} after
 * @param {[string, string]} names
 */
export function diffOf(before, after, names) {
  const others = [...new Set([...Object.keys(before.files), ...Object.keys(after.files)])].sort().filter((file) =>
    file !== before.main && file !== after.main && before.files[file] !== after.files[file]);
  const one = (/** @type {string} */ left = "", /** @type {string} */ right = "") => html`<div
    class="template-diff">${lazily(() => import("../../leaves/diff.js"),
      (module) => module.diffView({ before: left, after: right, names }))}</div>`;
  return html`<div class="stack">${one(before.files[before.main], after.files[after.main])}${others.map((file) =>
    html`<h3 class="mono">${plain(file, 60)}</h3>${one(before.files[file], after.files[file])}`)}</div>`;
}

/**
 * A plan that was sent as JSON on one line, as people can read it: to the compiler it is the same.
 * @param {string} text
 */
function readable(text) {
  if (!text.startsWith("{") || text.trimEnd().includes("\n")) return text;
  try {
    const value = JSON.parse(text);
    // A number that does not come back as it was stays as it is written.
    return JSON.stringify(value) === text.trim() ? `${JSON.stringify(value, null, 2)}\n` : text;
  } catch {
    return text;
  }
}
