// What can be done with a schedule: run now, pause, resume, make up the past, delete.
// @ts-check
import { html } from "../../core/html.js";
import { present } from "../../core/clock.js";
import { plain, plural } from "../../core/format.js";
import { navigate } from "../../core/router.js";
import { signal } from "../../core/signal.js";
import { ApiError, make, part, post, remove } from "../../data/api.js";
import { confirm } from "../../parts/dialog.js";
import { sentence } from "../../parts/error.js";
import { textField } from "../../parts/field.js";
import { attempt, fail, say } from "../../parts/toast.js";
import { isRepeated, underWay } from "../../parts/under-way.js";

/** @param {any} row */
const path = (row) => `/v1/schedules/${part(row.name)}`;
/** @param {any} row */
const seen = (row) => ({ headers: { "if-match": `"${row.revision}"` } });

const triggering = underWay();
/**
 * Whether a run of it is being made just now; can be followed.
 * @param {any} row
 */
export const isTriggering = (row) => triggering.has(row.name);

/**
 * Makes a run now; where one is open and the policy forbids another, it is asked whether to queue it.
 * @param {any} row
 * @param {Event} event The press: of a double one only the first counts.
 */
export async function trigger(row, event) {
  if (!isRepeated(event)) await triggering.run(row.name, () => runNow(row));
}

/** @param {any} row */
async function runNow(row) {
  const told = (/** @type {any} */ run) =>
    say(`${row.name} runs now.`, { href: `/ui/runs/${run.id}`, text: "Show the run" });
  try {
    told(await make(`${path(row)}/trigger`, {}));
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 409 || row.overlap !== "skip") return fail(error);
    await confirm({
      title: "A run of it is open", text: `${sentence(error)} Shall another one be queued behind it?`, verb: "Queue it",
      work: async () => told(await make(`${path(row)}/trigger`, { overlap: "queue" })),
    });
  }
}

/**
 * @param {any} row @param {() => void} done
 */
export async function pauseOrResume(row, done) {
  if (row.paused) {
    if (await attempt(() => post(`${path(row)}/resume`, {}, seen(row)), `${row.name} goes on.`)) done();
    return;
  }
  const reason = signal("");
  const isDone = await confirm({
    title: `Pause ${plain(row.name, 64)}?`,
      text: "It makes no runs until it is resumed; ticks of the pause are not made up.", verb: "Pause",
    body: () => textField({ label: "Why", value: reason, placeholder: "For those who find it paused" }),
    work: () => post(`${path(row)}/pause`, reason.peek() ? { reason: reason.peek() } : {}, seen(row)),
  });
  if (isDone) done();
}

/** @param {any} row */
export async function backfill(row) {
  const day = 86_400_000;
  const from = signal(local(new Date(present() - day)));
  const to = signal(local(new Date(present())));
  await confirm({
    title: `Make up ticks of ${plain(row.name, 64)}`, verb: "Make the runs",
    text: "Each tick between the two moments gets a run, unless it has one. Both moments belong to the range; "
      + "they are by this browser's clock.",
    body: () => html`<div class="columns">${textField({ label: "From", value: from, type: "datetime-local",
      isRequired: true })}
      ${textField({ label: "To", value: to, type: "datetime-local", isRequired: true })}</div>`,
    work: async () => {
      const answer = await make(`${path(row)}/backfill`, { from: utc(from.peek()), to: utc(to.peek()) });
      const ticks = answer.ticks === null || answer.ticks === undefined ? "" : ` of ${plural(answer.ticks, "tick")}`;
      say(`${plural(answer.made, "run")} made${ticks}.`);
    },
  });
}

/** @param {any} row @param {() => void} [done] */
export async function erase(row, done) {
  const isDone = await confirm({
    title: `Delete the schedule ${plain(row.name, 64)}?`, text: "It makes no more runs. The runs it made stay.",
      verb: "Delete", isDangerous: true,
    work: () => remove(path(row), seen(row)),
  });
  if (!isDone) return;
  say(`${row.name} is deleted.`);
  if (done) done();
  else navigate("/ui/schedules");
}

/**
 * A moment as a field for one shows it, by this browser's clock.
 * @param {Date} date
 */
export const local = (date) => new Date(date.getTime() - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);

/**
 * A field's moment as the node takes it.
 * @param {string} text
 */
export const utc = (text) => new Date(text).toISOString().replace(/\.\d+Z$/, "Z");
