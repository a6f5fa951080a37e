// Verbs of runs: start, change, end, decide; dead letters and many at once. Pure.
// @ts-check
import { flag, idle, inputs, into, many, run, takes, template, word, words } from "./words.js";

const approval = { name: "run", kind: "approval" };
const waitingStep = { name: "step", kind: "step", isOptional: true };
/** Which runs an action on many means; its own dialog counts them and asks. */
const chosen = { filter: { ...many, kind: "filter" }, yes: idle, "dry-run": flag };
/** @type {Record<string, import("./words.js").Option>} */
const lookedFor = {
  status: { kind: "status", isMany: true }, session: takes("session"), lane: takes("lane"), for: takes(),
  template: takes("template"), plan: takes(), parent: takes("run"), text: takes(), "enqueued-after": takes("moment"),
  "enqueued-before": takes("moment"), "finished-after": takes("moment"), "finished-before": takes("moment"),
  quiet: flag, limit: { kind: "number", isIdle: true }, "no-headers": idle,
};
/** @type {Record<string, import("./words.js").Option>} */
const started = {
  input: inputs, session: takes("session"), lane: takes("lane"), priority: takes("number"), for: takes(), key: takes(),
  delay: takes("duration"), at: takes("moment"), ttl: takes("duration"), deadline: takes("duration"),
  "deadline-at": takes("moment"), unique: takes(), "unique-in": takes("uniqueIn"), "unique-for": takes("duration"),
  "on-conflict": takes("conflict"), "debounce-max": takes("duration"), detach: idle,
};

/** @type {import("./words.js").Command[]} */
export const runCommands = [
  { name: "run", group: "Runs", icon: "play", text: "Start a run of a template", scope: "run",
    args: [template, { name: "input=value", kind: "pairs", isOptional: true }], options: started },
  { name: "retry", words: ["runs retry"], group: "Runs", icon: "retry", scope: "run", args: [run],
    options: { from: takes("from"), input: inputs, detach: idle }, text: "Run it again from what did not succeed" },
  { name: "cancel", words: ["runs cancel"], group: "Runs", icon: "stop", scope: "run", args: [run, words("reason")],
    options: { reason: into(1), ...chosen }, instead: "filter", text: "End a run",
    asks: "Cancel this run? Its programs are stopped; steps that always run still do.", verb: "Cancel the run" },
  { name: "pause run", words: ["runs pause"], group: "Runs", icon: "pause", scope: "run", args: [run],
    options: { by: takes() }, text: "Have a run begin nothing more until it is resumed" },
  { name: "resume run", words: ["runs resume"], group: "Runs", icon: "play", scope: "run", args: [run],
    text: "Have a paused run go on" },
  { name: "skip", words: ["runs skip"], group: "Runs", icon: "skip", scope: "run",
    args: [run, word("step", "step"), words("what was done, and why by hand", false)], options: { note: into(2) },
    text: "Say that a step was done by hand; the run goes on" },
  { name: "snooze", words: ["runs snooze"], group: "Runs", icon: "clock", scope: "run",
    args: [run, word("30m", "duration")], options: { for: into(1, "duration") }, text: "Put a queued run off" },
  { name: "priority", words: ["runs priority"], group: "Runs", icon: "up", scope: "run",
    args: [run, word("number", "number")], options: { to: into(1, "number") },
    text: "Change the priority of a queued run" },
  { name: "move", words: ["runs move"], group: "Runs", icon: "right", scope: "run",
    args: [run, { ...word("lane"), isOptional: true }],
    options: { lane: into(1, "lane"), before: takes("run"), first: flag, last: flag },
    text: "Move a queued run to another lane of its session, or to another place" },
  { name: "signal", words: ["runs signal"], group: "Runs", icon: "follow", scope: "run",
    args: [run, word("name"), words("payload as JSON")], options: { payload: into(2), key: takes() },
    text: "Send a signal to a run" },
  { name: "why", group: "Runs", icon: "search", args: [run], options: { watch: { ...idle, short: "w" } },
    text: "Why a run does not run" },
  { name: "approve", words: ["approvals approve"], group: "Approvals", icon: "check", scope: "run",
    args: [approval, waitingStep, words("comment")], text: "Approve a step that waits",
    options: { comment: into(2), form: { ...inputs, kind: "word", short: undefined } } },
  { name: "reject", words: ["approvals reject"], group: "Approvals", icon: "close", scope: "run",
    args: [approval, waitingStep, words("comment")], options: { comment: into(2) }, text: "Reject a step that waits",
    asks: "Reject this step?", verb: "Reject it" },
  { name: "redrive", words: ["dead redrive"], group: "Dead letters", icon: "retry", scope: "run",
    args: [word("run", "dead")], options: { from: takes("from"), input: inputs, reason: takes(), ...chosen },
    instead: "filter", text: "Run a dead letter again, from what did not succeed" },
  { name: "discard", words: ["dead discard"], group: "Dead letters", icon: "archive", scope: "run",
    args: [word("run", "dead"), words("note")], options: { note: into(1), reason: into(1), ...chosen },
    instead: "filter", text: "Put a dead letter aside",
    asks: "Put this dead letter aside? Nothing more is done about it; the run stays, with your note.",
    verb: "Put it aside" },
  ...[["cancel", "stop", "End"], ["retry", "retry", "Run again"], ["pause", "pause", "Hold"],
    ["resume", "play", "Resume"], ["discard", "archive", "Put aside"]].map(([name, icon, text]) => ({
    name: `bulk ${name}`, group: "Many runs", icon, scope: /** @type {"run"} */ ("run"),
    args: [{ name: "status=failed", kind: "filter", isMany: true }], options: { ...chosen, reason: takes() },
    instead: "filter", text: `${text} all runs that fit; they are counted first, and you are asked` })),
  { name: "bulk stop", group: "Many runs", icon: "stop", scope: "run", args: [word("number", "number")],
    text: "End an action on many runs", verb: "Stop it",
    asks: "Stop this action? What is done stays done; the runs that are left stay as they are." },
  { name: "bulk show", group: "Many runs", icon: "runs", args: [word("number", "number")],
    options: { state: { kind: "word", isIdle: true }, limit: { kind: "number", isIdle: true } },
    text: "Open an action on many runs" },
  { name: "bulk list", words: ["bulk"], group: "Many runs", icon: "runs", options: { limit: lookedFor.limit, "no-headers": idle },
    text: "Open the actions on many runs" },
  { name: "show run", words: ["runs show", "runs watch", "runs signals", "dead show", "show"], group: "Go", icon: "runs",
    args: [run], options: { "exit-status": idle }, text: "Open a run" },
  { name: "logs", words: ["runs logs", "log"], group: "Go", icon: "file", args: [run],
    options: { step: takes("from"), follow: { ...idle, short: "f" } }, text: "Open a run's log" },
  { name: "list", words: ["runs list", "show runs"], group: "Go", icon: "filter",
    args: [{ name: "status", kind: "status", isOptional: true }], options: lookedFor, text: "Runs of a status" },
  { name: "dead list", words: ["dead"], group: "Go", icon: "warning", text: "Open the dead letters",
    options: { session: takes("session"), lane: takes("lane"), template: takes("template"), text: takes(),
      since: takes("duration"), limit: lookedFor.limit } },
  { name: "approvals list", words: ["approvals"], group: "Go", icon: "check", options: { all: flag, run: takes("run") },
    text: "Open what waits for people" },
  { name: "find", words: ["search"], group: "Go", icon: "search", args: [words("text", false)],
    text: "Runs with this in their plan, failure or inputs" },
];
