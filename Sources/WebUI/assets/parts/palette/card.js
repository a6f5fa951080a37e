// A step that asks a form of whoever approves it: its card, opened from the command bar.
// @ts-check
import { plain } from "../../core/format.js";
import { html } from "../../core/html.js";
import { approvalCard } from "../approval.js";
import { openDialog } from "../dialog.js";

/**
 * @param {import("../approval.js").Approval} approval
 * @param {string} [comment] What was said to it already.
 */
export function openCard(approval, comment) {
  openDialog({
    title: plain(approval.plan, 60),
    body: (dialog) => html`<div class="dialog-body">${approvalCard(() => approval, { comment, dialog, onDone: dialog.close })}</div>`,
  });
}
