// What the verbs of runs do: start, change, end, decide, look.
// @ts-check
import { plain, plural } from "../../core/format.js";
import { get, make, part, patch, post, url } from "../../data/api.js";
import { jsonToSend } from "../../data/exact.js";
import { valuesOf } from "../../data/inputs.js";
import { groups, statuses } from "../../data/run-filter.js";
import { sentence } from "../error.js";
import { Refusal, go, linkTo, moment, named, number, said as given, time } from "./answers.js";

/** @typedef {import("./answers.js").Answer} Answer */
/** @typedef {import("./answers.js").Parsed} Parsed */

/** @type {import("./answers.js").Verbs} */
export const runVerbs = {
  run: startRun,
  retry: (line) => again(line, `/v1/runs/${part(line.args[0])}/retry`),
  redrive: (line) => (line.many.filter || line.options["dry-run"] ? bulk(line, "retry", line.options.reason, "dead")
    : again(line, `/v1/dead/${part(line.args[0])}/redrive`)),
  cancel: async (line) => {
    const { args, many, options } = line;
    if (many.filter || options["dry-run"]) return bulk(line, "cancel", args[1]);
    const run = await post(`/v1/runs/${part(args[0])}/cancel`, given({ reason: args[1] }));
    return { text: run.status === "cancelled" ? `${named(run)} is cancelled.` : `${named(run)} is asked to end.`,
      link: linkTo(run.id) };
  },
  discard: async (line) => {
    const { args, many, options } = line;
    if (many.filter || options["dry-run"]) return bulk(line, "discard", args[1], "dead");
    await post(`/v1/dead/${part(args[0])}/discard`, given({ note: args[1] }));
    return { text: `Run ${plain(args[0], 20)} is put aside: it is no dead letter any more.`, link: linkTo(args[0]) };
  },
  "pause run": async ({ args, options }) => {
    const run = await post(`/v1/runs/${part(args[0])}/pause`, given({ by: options.by }));
    return { text: `${named(run)} is paused: it begins nothing more.`, link: linkTo(run.id) };
  },
  "resume run": async ({ args }) => {
    const run = await post(`/v1/runs/${part(args[0])}/resume`);
    return { text: `${named(run)} goes on.`, link: linkTo(run.id) };
  },
  skip: async ({ args }) => {
    const run = await make(`/v1/runs/${part(args[0])}/steps/${part(args[1])}/skip`, { note: args[2] });
    return { text: `Step ${plain(args[1], 60)} counts as done by hand; the run goes on.`, link: linkTo(run.id ?? args[0]) };
  },
  snooze: async ({ args }) => {
    const run = await post(`/v1/runs/${part(args[0])}/snooze`, { for_ms: time(args[1]) });
    return { text: `${named(run)} is put off until ${new Date(run.due_at).toLocaleString()}.`, link: linkTo(run.id) };
  },
  priority: async ({ args }) => {
    const run = await patch(`/v1/runs/${part(args[0])}`, { priority: Number(args[1]) });
    return { text: `${named(run)} has priority ${run.priority}.`, link: linkTo(run.id) };
  },
  move: moveRun,
  signal: sendSignal,
  why: async ({ args }) => {
    const why = await get(`/v1/runs/${part(args[0])}/why`);
    return { text: sentence(plain(why.reason, 400)), link: linkTo(why.run) };
  },
  approve: (line) => decide(line, "approve"),
  reject: (line) => decide(line, "reject"),
  ...Object.fromEntries(["cancel", "retry", "pause", "resume", "discard"].map((action) =>
    [`bulk ${action}`, (/** @type {Parsed} */ line) => bulk(line, action, line.options.reason)])),
  "bulk stop": async ({ args }) => {
    await post(`/v1/bulk/${part(args[0])}/cancel`);
    return { text: `Action ${args[0]} ends; what it did stays done.`,
      link: { href: `/ui/bulk/${part(args[0])}`, text: "Open it" } };
  },
  "bulk show": ({ args }) => go(`/ui/bulk/${part(args[0])}`),
  "bulk list": () => go("/ui/bulk"),
  "show run": ({ args }) => go(`/ui/runs/${part(args[0])}`),
  logs: ({ args, options }) => go(url(`/ui/runs/${part(args[0])}`, { tab: "log", step: options.step })),
  list,
  "dead list": ({ options: { since, ...rest } }) => go(since || Object.keys(rest).length > 0
    ? url("/ui/runs", { status: "dead", ...rest, ...(since ? { by: "finished", from: moment(since, true) } : {}) })
    : "/ui/settings?section=dead"),
  "approvals list": ({ options }) => go(options.run ? `/ui/runs/${part(options.run)}`
    : url("/ui/approvals", { all: options.all ? "1" : "" })),
  find: ({ args }) => go(url("/ui/runs", { text: args[0] })),
};

/** @param {Parsed} line @returns {Promise<Answer>} */
async function startRun({ args, pairs, options: said }) {
  if (/\.(ya?ml|json)$/i.test(args[0])) {
    throw new Refusal(`“${args[0]}” is a file of your machine`, "here templates are run; Templates makes one of a plan");
  }
  const place = given({ session: said.session, lane: said.lane });
  const unique = said.unique === undefined ? undefined : given({
    key: said.unique === "same" ? undefined : said.unique, scope: said["unique-in"], for_ms: time(said["unique-for"]),
    on_conflict: said["on-conflict"], debounce_max_ms: time(said["debounce-max"]),
  });
  const rest = given({
    priority: number(said.priority), key: said.for, delay_ms: time(said.delay), due_at: moment(said.at),
    ttl_ms: time(said.ttl), deadline_ms: time(said.deadline), deadline_at: moment(said["deadline-at"]), unique,
  });
  try {
    const run = await make("/v1/runs", { template: args[0], inputs: pairs, ...place, ...rest }, said.key);
    return { text: `${named(run)} is queued in ${plain(run.session, 60)} / ${plain(run.lane, 60)}.`,
      link: linkTo(run.id) };
  } catch (error) {
    if (error.status !== 422) throw error;
    // An input is missing or wrong: the form says which are there.
    const found = (error.problem?.errors ?? []).map((/** @type {any} */ one) => plain(one.message ?? "", 200)).filter(Boolean);
    return {
      text: `It was not started: ${plain(error.message, 300)}.`, lines: found,
      more: { verb: "Fill in the form", work: async () => {
        const [{ openRunDialog }, inputs] = await Promise.all([import("../run-dialog.js"), inputsOf(args[0])]);
        openRunDialog({ template: args[0], ...place, values: valuesOf(inputs, pairs), rest });
      } },
    };
  }
}

/** @param {string} template */
async function inputsOf(template) {
  const { plan_digest: digest } = await get(`/v1/templates/${part(template)}`);
  return (await get(`/v1/plans/${part(digest)}`)).inputs ?? {};
}

/** @param {Parsed} line @param {string} path @returns {Promise<Answer>} */
async function again({ options, pairs }, path) {
  const run = await make(path, given({ from: options.from, inputs: Object.keys(pairs).length > 0 ? pairs : undefined }));
  const steps = run.steps?.length
    ? `: ${plural(run.steps.length, "step")} again, from ${plain(run.steps[0], 60)}` : "";
  return { text: `${named(run)} is queued once more${steps}.`, link: linkTo(run.id) };
}

/** @param {Parsed} line @returns {Promise<Answer>} */
async function moveRun({ args, options }) {
  const places = given({ before: options.before, first: options.first, last: options.last });
  if (Object.keys(places).length > 1) throw new Refusal("a run has one place", "say one of --before, --first and --last");
  if (!args[1] && Object.keys(places).length === 0) {
    throw new Refusal("it is not said where", "name a lane, or say --before, --first or --last");
  }
  const place = options.first ? "first" : options.last ? "last" : undefined;
  const run = await patch(`/v1/runs/${part(args[0])}`, given({ lane: args[1], place, before: options.before }));
  return { text: `${named(run)} is in lane ${plain(run.lane, 60)}.`, link: linkTo(run.id) };
}

/** @param {Parsed} line @returns {Promise<Answer>} */
async function sendSignal({ args, options }) {
  let payload = null;
  if (args[2]) {
    try {
      payload = jsonToSend(args[2]);
    } catch (error) {
      if (error instanceof RangeError) {
        throw new Refusal("a number in it is too large for this page", "send it on the command line: opsroom runs signal");
      }
      throw new Refusal("the payload is no JSON", `write it as '{"by": "me"}', or leave it out`);
    }
  }
  const sent = await make(`/v1/runs/${part(args[0])}/signals`, { name: args[1], payload }, options.key);
  return { text: `Signal ${plain(sent.name, 60)} was sent.`, link: linkTo(sent.run) };
}

/** @param {Parsed} line @param {"approve" | "reject"} verb @returns {Promise<Answer>} */
async function decide({ args, pairs }, verb) {
  const { approvals } = await get(url("/v1/approvals", { run: args[0], all: true }));
  const step = args[1] ?? (approvals.length === 1 ? approvals[0].step : "");
  if (!step) {
    throw new Refusal(approvals.length === 0 ? "no step of this run waits for people" : "several steps of this run wait",
      approvals.length === 0 ? "“why <run>” says what it waits for"
        : `name one: ${approvals.map((/** @type {any} */ one) => one.step).join(", ")}`);
  }
  const approval = approvals.find((/** @type {any} */ one) => one.step === step);
  const isAsked = verb === "approve" && Object.keys(approval?.form?.properties ?? {}).length > 0;
  if (isAsked && Object.keys(pairs).length === 0) {
    const { openCard } = await import("./card.js");
    setTimeout(() => openCard(approval, args[2]));
    return { text: `Step ${plain(step, 60)} asks for more: its form is open.`, isDone: true };
  }
  const receipt = await post(`/v1/runs/${part(args[0])}/steps/${part(step)}/${verb}`,
    given({ comment: args[2], form: Object.keys(pairs).length > 0 ? valuesOf(approval?.form ?? {}, pairs) : undefined }));
  const text = !receipt.decided ? `Your approval counts: ${receipt.approvals} of ${receipt.needed}.`
    : `Step ${plain(step, 60)} is ${verb === "approve" ? "approved" : "rejected"}.`;
  return { text, link: linkTo(receipt.run) };
}

/**
 * Opens the dialog of an action on many runs: it counts them and asks.
 * @param {Parsed} line @param {string} action @param {string | undefined} reason @param {string} [status]
 * @returns {Promise<Answer>}
 */
async function bulk({ command, args, many }, action, reason, status) {
  const isGroup = command.name.startsWith("bulk ");
  const words = [...(isGroup ? args : []), ...(many.filter ?? [])].flatMap((text) => text.split(/\s+/));
  if (words.length === 0) throw new Refusal("--dry-run counts what a filter means", "say it with --filter status=failed");
  if (!isGroup && args[0]) throw new Refusal("one run is named, and many", "name a run, or many by --filter");
  /** @type {Record<string, string | string[]>} */
  const filter = status ? { status } : {};
  for (const word of words.filter((one) => one && one !== "all")) {
    const equals = word.indexOf("=");
    if (equals < 1) throw new Refusal(`“${word}” is no name=value`, "which runs is said as status=failed, or all");
    const name = word.slice(0, equals);
    const values = name === "status" ? word.slice(equals + 1).split(",") : [word.slice(equals + 1)];
    filter[name] = Object.hasOwn(filter, name) ? [filter[name], ...values].flat() : values.length === 1 ? values[0] : values;
  }
  const { openBulk } = await import("../bulk-dialog.js");
  setTimeout(() => openBulk({ action, filter, chosen: words.join(" ").slice(0, 100), reason }));
  return { text: "It is asked there.", isDone: true };
}

/** @param {Parsed} line @returns {Answer} */
function list({ args, options, many }) {
  const words = [...(args[0] ? [args[0]] : []), ...(many.status ?? [])].flatMap((text) => text.split(",")).filter(Boolean);
  const all = [...statuses, ...groups];
  for (const word of words) {
    if (!all.includes(word.replace(/^-/, ""))) throw new Refusal(`“${word}” is no status`, `there are ${all.join(", ")}`);
  }
  const enqueued = options["enqueued-after"] ?? options["enqueued-before"];
  const finished = options["finished-after"] ?? options["finished-before"];
  if (enqueued && finished) {
    throw new Refusal("the list has one time", "say when they were queued or when they ended, not both");
  }
  const by = finished ? "finished" : "enqueued";
  const { session, lane, template, plan, parent, text, for: key, quiet } = options;
  return go(url("/ui/runs", { status: words.join(","), session, lane, template, plan, key, parent, text,
    from: moment(options[`${by}-after`], true), to: moment(options[`${by}-before`], true), by: finished ? by : "",
    quiet: quiet ? "1" : "" }));
}
