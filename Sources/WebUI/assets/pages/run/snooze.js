// The dialog that puts a waiting run off.
// @ts-check
import { moment } from "../../core/format.js";
import { signal } from "../../core/signal.js";
import { part, post } from "../../data/api.js";
import { confirm } from "../../parts/dialog.js";
import { selectField } from "../../parts/field.js";
import { say } from "../../parts/toast.js";

/** @type {[string, string][]} */
const times = [["300000", "5 minutes"], ["900000", "15 minutes"], ["3600000", "an hour"], ["14400000", "4 hours"],
  ["86400000", "a day"], ["604800000", "a week"]];

/** @param {import("../run.js").RunView} view */
export async function openSnooze(view) {
  const time = signal("3600000");
  const isDone = await confirm({
    title: "Snooze", verb: "Put it off",
    text: "The run begins later; it keeps its place by priority when its time has come.",
    body: () => selectField({ label: "For", value: time, options: times }),
    work: async () => {
      const run = await post(`/v1/runs/${part(view.id)}/snooze`, { for_ms: Number(time.peek()) });
      say(`It is due at ${moment(run.due_at)}.`);
    },
  });
  if (isDone) view.refresh();
}
