// Dialogs of sessions: a new one with its lanes, another intent, and the ways a session ends.
// @ts-check
import { plain, plural } from "../core/format.js";
import { each, html } from "../core/html.js";
import { signal } from "../core/signal.js";
import { make, part, patch, post } from "../data/api.js";
import { confirm } from "./dialog.js";
import { icon } from "./icon.js";
import { attempt, say } from "./toast.js";

/**
 * A session as lists and boards give it.
 * @typedef {{name: string, status: string, intent: string, open_runs: number, paused: any}} SessionLike
 */

/** Lanes that a new session has until somebody changes them. */
const usualLanes = ["A", "B", "C", "D"];
const lanesMax = 100;

/**
 * The next letter that no lane has, else a number.
 * @param {string[]} names
 */
export function freeLane(names) {
  for (const letter of "ABCDEFGHIJKLMNOPQRSTUVWXYZ") if (!names.includes(letter)) return letter;
  return `lane-${names.length + 1}`;
}

/**
 * Asks for a session and makes it.
 * @returns {Promise<string | null>} Its name; `null` where none was made.
 */
export async function newSession() {
  const values = { name: "", intent: "" };
  let last = 0;
  const row = (/** @type {string} */ name) => ({ id: (last += 1), name, width: "1" });
  const lanes = signal(usualLanes.map(row));
  const isDone = await confirm({
    title: "New session", verb: "Make the session",
    body: () => html`<label class="field"><span>Name</span><input class="input" autofocus required maxlength="64"
      autocomplete="off"
        spellcheck="false" pattern="[A-Za-z0-9_.\\-]*[A-Za-z_.\\-][A-Za-z0-9_.\\-]*"
          title="Letters, digits, _ . and -, not a number alone"
        @input=${(/** @type {any} */ event) => { values.name = event.target.value; }}></label>
      <label class="field"><span>What it is for</span><textarea class="textarea" rows="2" maxlength="4000"
        @input=${(/** @type {any} */ event) => { values.intent = event.target.value; }}></textarea></label>
      <fieldset class="lane-rows"><legend class="label">Lanes</legend>
        ${each(() => lanes.value, (lane) => lane.id, (lane, index) => html`<div class="row">
          <input class="input" aria-label=${() => `Name of lane ${index.value + 1}`} required maxlength="64"
            autocomplete="off" .value=${lane.peek().name}
            @input=${(/** @type {any} */ event) => { lane.peek().name = event.target.value; }}>
          <input class="input is-narrow" type="number" min="1" required aria-label=${() =>
            `Width of lane ${index.value + 1}`} .value=${lane.peek().width}
            @input=${(/** @type {any} */ event) => { lane.peek().width = event.target.value; }}>
          <button type="button" class="icon-button" aria-label=${() => `Without lane ${index.value + 1}`}
            @click=${() => { lanes.value = lanes.peek().filter((one) =>
              one !== lane.peek()); }}>${icon("close")}</button></div>`)}
        <div class="row"><button type="button" class="button is-small" disabled=${() => lanes.value.length >= lanesMax}
          @click=${() => { lanes.value = [...lanes.peek(), row(freeLane(lanes.peek().map((lane) =>
            lane.name)))]; }}>${icon("plus")} Lane</button>
          <span class="muted small">Beside each its width: how many runs go at once.</span></div>
      </fieldset>`,
    work: () => make("/v1/sessions", {
      name: values.name.trim(), intent: values.intent,
      lanes: lanes.peek().map((lane) => ({ name: lane.name.trim(), width: Number(lane.width) })),
    }),
  });
  if (!isDone) return null;
  say(`Session ${values.name.trim()} is there`);
  return values.name.trim();
}

/**
 * Asks for another intent.
 * @param {SessionLike} session @returns {Promise<boolean>}
 */
export function editIntent(session) {
  let text = session.intent;
  return confirm({
    title: `What ${plain(session.name, 64)} is for`, verb: "Save",
    body: () => html`<label class="field"><span>Intent</span><textarea class="textarea" rows="4" autofocus
      maxlength="4000" .value=${text}
      @input=${(/** @type {any} */ event) => { text = event.target.value; }}></textarea></label>`,
    work: () => patch(`/v1/sessions/${part(session.name)}`, { intent: text }),
  });
}

/**
 * @type {Record<string, {title: (name: string) => string, text: string, verb: string, done: string,
 *   isDangerous?: boolean}>}
 */
const ends = {
  complete: { title: (name) => `Complete ${name}?`, verb: "Complete", done: "is completed",
    text: "Its work is done: it takes no more runs. Only a session without open runs can be completed." },
  cancel: { title: (name) => `Cancel ${name}?`, verb: "Cancel the session", done: "is cancelled", isDangerous: true,
    text: "It takes no more runs, and every open run of it is asked to end." },
  archive: { title: (name) => `Archive ${name}?`, verb: "Archive", done: "is archived",
    text: "It stays readable under Sessions, Archived. Only a session without open runs can be archived." },
};

/**
 * Asks, then ends a session.
 * @param {SessionLike} session @param {"complete" | "cancel" | "archive"} verb @returns {Promise<boolean>}
 */
export async function endSession(session, verb) {
  const { title, text, verb: word, done, isDangerous } = ends[verb];
  const values = { reason: "" };
  const name = plain(session.name, 64);
  const isDone = await confirm({
    title: title(name), verb: word, isDangerous,
    text: session.open_runs > 0 ? `${text} It has ${plural(session.open_runs, "open run")}.` : text,
    typed: verb === "cancel" && session.open_runs > 100 ? session.name : undefined,
    body: () => verb !== "cancel" ? null : html`<label class="field"><span>Why</span><input class="input"
      maxlength="500" autocomplete="off"
      @input=${(/** @type {any} */ event) => { values.reason = event.target.value; }}></label>`,
    work: () => post(`/v1/sessions/${part(session.name)}/${verb}`, values.reason ? { reason: values.reason } : {}),
  });
  if (isDone) say(`${name} ${done}`);
  return isDone;
}

/**
 * The entries of a session's menu.
 * @param {SessionLike} session @param {() => void} changed Called once something was done.
 * @returns {import("./menu.js").MenuItem[]}
 */
export function sessionVerbs(session, changed) {
  const isActive = session.status === "active";
  const after = async (/** @type {Promise<any>} */ work) => {
    if (await work) changed();
  };
  const hold = session.paused ? "resume" : "pause";
  return [
    isActive && { text: "Edit what it is for…", icon: "edit", run: () => after(editIntent(session)) },
    isActive && { text: session.paused ? "Resume" : "Pause: take no more runs", icon: session.paused ? "play" : "pause",
      run: () => after(attempt(() => post(`/v1/sessions/${part(session.name)}/${hold}`),
        session.paused ? `${plain(session.name, 64)} takes runs again` : `${plain(session.name,
          64)} takes no more runs`)) },
    isActive && null,
    isActive && { text: "Complete…", icon: "check", run: () => after(endSession(session, "complete")) },
    isActive && { text: "Cancel…", icon: "stop", isDangerous: true, run: () => after(endSession(session, "cancel")) },
    session.status !== "archived" && { text: "Archive…", icon: "archive", run: () => after(endSession(session,
      "archive")) },
  ];
}
