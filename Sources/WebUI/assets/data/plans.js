// Which plans are known without asking for each: those of templates, and those of the latest runs. Pure.
// @ts-check

/**
 * @typedef {{digest: string, name: string, templates: string[], last: any}} KnownPlan
 *   `last` is its latest run among those that were given; `null` where none is.
 */

/**
 * The plans of templates and runs, those that ran latest first.
 * @param {any[]} templates @param {any[]} runs The newest first.
 * @returns {KnownPlan[]}
 */
export function knownPlans(templates, runs) {
  /** @type {Map<string, KnownPlan>} */
  const found = new Map();
  const plan = (/** @type {any} */ row) => {
    const { plan_digest: digest, plan: name } = row;
    /** @type {KnownPlan} */
    const known = found.get(digest) ?? { digest, name, templates: [], last: null };
    found.set(digest, known);
    return known;
  };
  for (const run of runs) plan(run).last ??= run;
  for (const template of templates) plan(template).templates.push(template.name);
  return [...found.values()];
}
