// Which steps a retry runs again and which it takes over, by the rule that the node has. Pure.
// @ts-check

/**
 * @typedef {{step: string, state: string, superseded?: boolean, failure?: string | null, by_hand?: any}} Record
 */

/**
 * The steps that run again, in the plan's order: what did not succeed, what was undone, the chosen step, and all
 * that need one of them.
 * @param {{steps: {id: string, needs: string[]}[]}} plan
 * @param {Record[]} records The run's journal, in the order it was begun.
 * @param {string | null} from A step that runs again although it succeeded.
 * @returns {string[]}
 */
export function rerunSteps(plan, records, from) {
  const again = new Set(from === null ? [] : [from]);
  const counting = records.filter((record) => !record.superseded);
  const latest = new Map(counting.map((record) => [record.step, record]));
  for (const step of plan.steps) {
    const record = latest.get(step.id);
    const isDone = record?.state === "succeeded" || (record?.state === "skipped" && (record.by_hand
      || !record.failure));
    if (!isDone) again.add(step.id);
  }
  for (const record of counting) {
    const mark = record.step.indexOf("!");
    if (mark >= 0) again.add(record.step.slice(0, mark));
  }
  for (let grew = true; grew;) {
    grew = false;
    for (const step of plan.steps) {
      if (again.has(step.id) || !step.needs.some((need) => again.has(need))) continue;
      again.add(step.id);
      grew = true;
    }
  }
  return plan.steps.map((step) => step.id).filter((id) => again.has(id));
}
