// The dialog that sends a run the signal it waits for.
// @ts-check
import { html } from "../../core/html.js";
import { signal } from "../../core/signal.js";
import { ApiError, make, part } from "../../data/api.js";
import { jsonToSend } from "../../data/exact.js";
import { open } from "../../data/plan.js";
import { confirm } from "../../parts/dialog.js";
import { areaField, textField } from "../../parts/field.js";
import { say } from "../../parts/toast.js";

/** @param {import("../run.js").RunView} view @param {string} [step] The one that waits; else the first that does. */
export async function openSignal(view, step) {
  const waiting = step ?? view.rows.peek().find((row) => row.kind === "wait_signal" && row.state === "waiting")?.id;
  const wait = open(view.planStep(waiting ?? null)?.action);
  const name = signal(wait.kind === "wait_signal" && typeof wait.body.name === "string"
    && !wait.body.name.includes("{{") ? wait.body.name : "");
  const payload = signal("{}");
  const isDone = await confirm({
    title: "Send a signal", verb: "Send",
    text: "The step that waits for this name takes it and goes on with what it brings.",
    body: () => html`${textField({ label: "Name", value: name, isRequired: true, isFirst: true, isMono: true })}
      ${areaField({ label: "What it brings (JSON)", value: payload, isMono: true, rows: 5 })}`,
    work: () => {
      let value;
      try {
        value = jsonToSend(payload.peek() || "null");
      } catch (error) {
        if (error instanceof RangeError) {
          throw new ApiError(0, { detail: "a number in it is too large for this page",
            next: "send it on the command line: opsroom runs signal" });
        }
        throw new ApiError(0, { detail: "what it brings is no JSON", next: "as {\"by\": \"ada\"}" });
      }
      return make(`/v1/runs/${part(view.id)}/signals`, { name: name.peek(), payload: value });
    },
  });
  if (!isDone) return;
  say("The signal is sent.");
  view.refresh();
}
