// Dialogs of the board: a run's end, a decision, a lane's settings, its pause, a new lane.
// @ts-check
import { plain, shortID } from "../../core/format.js";
import { html } from "../../core/html.js";
import { get, make, part, patch, post, url } from "../../data/api.js";
import { confirm, openDialog } from "../../parts/dialog.js";
import { fail, say } from "../../parts/toast.js";

/**
 * @typedef {import("../../data/board.js").Card} Card
 * @typedef {import("../../data/board.js").Lane} Lane
 */

/**
 * A form's fields as texts.
 * @param {string} name @param {Record<string, string>} values @param {any} [more]
 */
const input = (name, values, more = {}) => html`<input class="input" name=${name} autocomplete="off" spellcheck="false"
  type=${more.type ?? "text"} min=${more.min ?? null} max=${more.max ?? null} maxlength=${more.length ?? null}
    required=${more.isRequired ?? false}
  autofocus=${more.isFirst ?? false} .value=${values[name] ?? ""}
  @input=${(/** @type {any} */ event) => { values[name] = event.target.value; }}>`;

/**
 * Asks before a run is ended.
 * @param {Card} card @returns {Promise<boolean>} Whether it was asked to end.
 */
export async function cancelRun(card) {
  const values = { reason: "" };
  const isQueued = card.status === "queued";
  const isDone = await confirm({
    title: `Cancel ${plain(card.plan, 60)}?`,
    text: isQueued ? "It has not begun: it leaves the queue."
      : "The step under way is asked to stop, and no other begins.",
    verb: "Cancel the run", isDangerous: true,
    body: () => html`<p class="muted mono">${shortID(card.id)}</p>
      <label class="field"><span>Why</span>${input("reason", values, { isFirst: true, length: 500 })}
        <span class="hint">May be empty; it stands with the run.</span></label>`,
    work: () => post(`/v1/runs/${card.id}/cancel`, values.reason ? { reason: values.reason } : {}),
  });
  if (isDone) say(isQueued ? "The run was cancelled" : "The run was asked to end", { href: `/ui/runs/${card.id}`,
    text: "Look at it" });
  return isDone;
}

/**
 * Opens what a run asks people.
 * @param {Card} card @param {() => void} done
 */
export async function decide(card, done) {
  try {
    const [{ approvalCard }, { approvals }] = await Promise.all([
      import("../../parts/approval.js"), get(url("/v1/approvals", { run: card.id, all: true })),
    ]);
    if (approvals.length === 0) {
      say("It does not wait for a person any more");
      return done();
    }
    openDialog({
      title: plain(card.plan, 60),
      body: (dialog) => html`<div class="dialog-body">${approvals.map((/** @type {any} */ approval) =>
        approvalCard(() => approval, { dialog, onDone: () => { dialog.close(); done(); } }))}</div>`,
    });
  } catch (error) {
    fail(error);
  }
}

/**
 * Asks for a lane's width and priority.
 * @param {string} session @param {Lane} lane
 */
export function editLane(session, lane) {
  const values = { width: String(lane.width), priority: String(lane.priority) };
  return confirm({
    title: `Lane ${plain(lane.name, 60)}`, verb: "Save",
    body: () => html`<label class="field"><span>Width</span>${input("width", values, { type: "number", min: 1,
      isFirst: true, isRequired: true })}
        <span class="hint">How many of its runs go at once.</span></label>
      <label class="field"><span>Priority</span>${input("priority", values, { type: "number", isRequired: true })}
        <span class="hint">Which lane goes first where a node is full; the higher one does.</span></label>`,
    work: async () => {
      await patch(`/v1/sessions/${part(session)}/lanes/${part(lane.name)}`,
        { width: Number(values.width), priority: Number(values.priority) });
      say(`Lane ${plain(lane.name, 60)} is changed`);
    },
  });
}

/**
 * Pauses a lane with a reason.
 * @param {string} session @param {Lane} lane
 */
export function pauseLane(session, lane) {
  const values = { reason: "" };
  return confirm({
    title: `Pause lane ${plain(lane.name, 60)}?`, text: "What is under way goes to its end; nothing new begins.",
      verb: "Pause",
    body: () => html`<label class="field"><span>Why</span>${input("reason", values, { isFirst: true,
      length: 500 })}</label>`,
    work: () => post(`/v1/sessions/${part(session)}/lanes/${part(lane.name)}/pause`, values.reason ? {
      reason: values.reason } : {}),
  });
}

/**
 * Makes a lane.
 * @param {string} session @param {string} name A name that is free.
 */
export function addLane(session, name) {
  const values = { name, width: "1", worker: "room" };
  return confirm({
    title: "New lane", verb: "Make the lane",
    body: () => html`<label class="field"><span>Name</span>${input("name", values, { isFirst: true, isRequired: true,
      length: 64 })}</label>
      <label class="field"><span>Width</span>${input("width", values, { type: "number", min: 1, isRequired: true })}
        <span class="hint">How many of its runs go at once.</span></label>
      <label class="field"><span>Who takes its runs</span><select class="select"
        @change=${(/** @type {any} */ event) => { values.worker = event.target.value; }}>
        <option value="room">The nodes</option><option value="external">Programs outside</option></select></label>`,
    work: async () => {
      await make(`/v1/sessions/${part(session)}/lanes`, { name: values.name.trim(), width: Number(values.width),
        worker: values.worker });
      say(`Lane ${plain(values.name, 60)} is there`);
    },
  });
}
