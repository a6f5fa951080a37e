// A step that waits for people: what it asks, who may say, and saying it.
// @ts-check
import { now } from "../core/clock.js";
import { ago, plain, plainLines, shortID } from "../core/format.js";
import { html } from "../core/html.js";
import { signal } from "../core/signal.js";
import { part, post } from "../data/api.js";
import { mayRun } from "../data/me.js";
import { working } from "./dialog.js";
import { errorPanel } from "./error.js";
import { icon } from "./icon.js";
import { schemaForm } from "./schema-form.js";
import { say } from "./toast.js";
import { timeAgo } from "./time.js";

/**
 * @typedef {{run: string, step: string, plan: string, session: string, lane: string, message: string, needed: number,
 *   approved_by: string[], groups: string[], users: string[], self_approval: boolean, form: any,
 *   started_by: string | null, asked_at: string, expires_at: string | null, may_decide: boolean,
 *   why_not: string | null}} Approval
 * @typedef {{onDone?: (decision: {decision: string, decided: boolean}) => void,
 *   isInRun?: boolean, comment?: string, dialog?: import("./dialog.js").OpenDialog}} CardOptions `onDone` is called once
 *   the node has taken the decision; `isInRun` leaves out which run it is; `comment` is said already; `dialog` is the one
 *   it is in.
 */

/**
 * A card that shows what is asked and takes the answer.
 * @param {() => Approval} approval What it reads is followed; run and step stay the same.
 * @param {CardOptions} [options]
 */
export function approvalCard(approval, options = {}) {
  const { onDone, isInRun = false } = options;
  const first = approval();
  const form = first.form ? schemaForm(first.form) : null;
  const comment = signal(options.comment ?? "");
  /** Then what is wrong is said. */
  const isPressed = signal(false);
  /** @type {HTMLElement} */
  let card;
  const { isBusy, error, perform } = options.dialog ?? working(() => card.isConnected);
  const may = () => approval().may_decide && mayRun.value;
  const whyNot = () => (mayRun.value ? approval().why_not ?? "" : "your token may only read");

  const decide = async (/** @type {"approve" | "reject"} */ verb) => {
    if (!may()) return;
    isPressed.value = true;
    if (verb === "approve" && form && !form.touch()) return;
    const { run, step } = approval();
    /** @type {any} */
    let receipt;
    const isDone = await perform(async () => {
      receipt = await post(`/v1/runs/${part(run)}/steps/${part(step)}/${verb}`, {
        ...(comment.peek() ? { comment: comment.peek() } : {}),
        ...(verb === "approve" && form ? { form: form.value() } : {}),
      });
    });
    if (!isDone) return;
    say(receipt.decided ? `${verb === "approve" ? "Approved" : "Rejected"}: ${plain(step, 60)}`
      : `Your approval counts: ${receipt.approvals} of ${receipt.needed}`);
    onDone?.(receipt);
  };

  return html`<section class="approval-card tone-waiting"
    ref=${(/** @type {any} */ made) => { card = made; }} aria-label=${`Approval: ${plain(first.step,
    80)} of ${plain(first.plan, 80)} ${shortID(first.run)}`}>
    <header class="approval-head"><span class="sign" aria-hidden="true">!</span>
      <h2>${() => plain(approval().step, 120)} waits for ${who}</h2><span class="grow"></span>
      <span class="muted small">asked ${timeAgo(() => approval().asked_at)}</span></header>
    <p class="approval-message">${() => plainLines(approval().message || "May it go on?")}</p>
    <p class="muted small approval-facts">
      ${isInRun ? null : html`<a href=${`/ui/runs/${first.run}?step=${part(first.step)}`}>${plain(first.plan,
        80)} ${shortID(first.run)}</a>
        <span>${plain(first.session, 60)} / ${plain(first.lane, 60)}</span>`}
      ${() => (approval().started_by ? html`<span>started by ${plain(approval().started_by, 80)}</span>` : null)}
      ${() => (approval().needed > 1
        ? html`<span>${approval().approved_by.length} of ${approval().needed} approvals</span>` : null)}
      ${() => (approval().approved_by.length > 0 ? html`<span>approved by ${plain(approval().approved_by.join(", "),
        200)}</span>` : null)}
      ${() => (approval().expires_at ? html`<span>its time ends ${ago(approval().expires_at, now.value)}</span>`
        : null)}
    </p>
    ${form ? html`<div class="approval-form">${form.element}</div>` : null}
    <label class="field"><span class="sr">Comment</span><input class="input" autocomplete="off" maxlength="1000"
      placeholder="Comment (kept with the decision)" disabled=${() => !may()} .value=${comment}
      @input=${(/** @type {any} */ event) => { comment.value = event.target.value; }}></label>
    ${() => (isPressed.value && form && form.errors().length > 0
      ? html`<p class="wrong" role="alert">${form.errors().map((one) => plain(one.message, 200)).join(" · ")}</p>`
      : null)}
    ${() => (error.value ? errorPanel(error.value) : null)}
    <footer class="row">
      <button type="button" class="button is-primary" disabled=${() => isBusy.value || !may()}
        title=${() => whyNot() || null}
        @click=${() => decide("approve")}>${icon("check")}Approve</button>
      <button type="button" class="button is-danger" disabled=${() => isBusy.value || !may()}
        title=${() => whyNot() || null}
        @click=${() => decide("reject")}>Reject</button>
      ${() => (may() ? null : html`<span class="muted small">${plain(`You cannot decide it: ${whyNot()}`)}</span>`)}
    </footer>
  </section>`;

  /** Whom it waits for, in words. */
  function who() {
    const { groups, users } = approval();
    const names = [...users, ...groups.map((group) => `group ${group}`)];
    return names.length > 0 ? plain(names.join(", "), 200) : "a person";
  }
}
