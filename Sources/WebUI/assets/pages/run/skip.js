// The dialog that tells a step as done by hand, with a note that is kept.
// @ts-check
import { plain } from "../../core/format.js";
import { signal } from "../../core/signal.js";
import { html } from "../../core/html.js";
import { ApiError, make, part } from "../../data/api.js";
import { confirm } from "../../parts/dialog.js";
import { areaField } from "../../parts/field.js";
import { say } from "../../parts/toast.js";

/** @param {import("../run.js").RunView} view @param {string} step */
export async function openSkip(view, step) {
  const note = signal("");
  const isDone = await confirm({
    title: `Done by hand: ${plain(view.row(step)?.title || step, 80)}`, verb: "It is done",
    text: html`The step counts as done, without outputs; what needs it goes on from there. Your name and your note
      are kept with
      the run and go into its proof.`,
    body: () => areaField({ label: "What was done, and how it was checked", value: note, isRequired: true,
      isFirst: true, rows: 4 }),
    work: () => {
      if (!note.peek().trim()) throw new ApiError(0, { detail: "say what was done by hand",
        next: "the note is the only proof there is" });
      return make(`/v1/runs/${part(view.id)}/steps/${part(step)}/skip`, { note: note.peek().trim() });
    },
  });
  if (!isDone) return;
  say("Told as done by hand; the run goes on.");
  view.refresh();
}
