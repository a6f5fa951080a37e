// Where the command bar's values come from: what the node has of each kind, asked for when it is typed.
// @ts-check
import { plain } from "../../core/format.js";
import { signal } from "../../core/signal.js";
import { get, part, url } from "../../data/api.js";
import { quoted } from "../../data/commands.js";
import { shownState } from "../../data/run-list.js";
import { stateOf } from "../status.js";

/** @typedef {import("../../data/suggest.js").Value} Value */

const rowsMax = 200;
const runsMax = 30;
/** Sessions whose lanes are looked up at once. */
const lanedMax = 12;
/** How long an answer is used again. */
const freshMilliseconds = 8000;
/** How long somebody may pause while typing. */
const typeMilliseconds = 120;

/** Kinds whose values depend on what is typed: the node searches. */
const searched = new Set(["run", "dead", "place"]);
/** Kinds that belong to the run or template before them. */
const owned = new Set(["step", "from", "input"]);

/** @type {Record<string, (text: string, of: string) => Promise<Value[]>>} */
const loaders = {
  run: (text) => runsOf("/v1/runs", text),
  dead: (text) => runsOf("/v1/dead", text),
  template: async () => (await get(url("/v1/templates",
    { limit: rowsMax }))).templates.map((/** @type {any} */ one) => ({
    value: one.name, text: one.name, detail: plain(one.title ?? "", 80), href: `/ui/templates/${part(one.name)}`,
  })),
  session: async () => (await sessions()).map((/** @type {any} */ one) => ({
    value: one.name, text: one.name, detail: plain(one.intent, 80), href: `/ui/sessions/${part(one.name)}`,
  })),
  place: async (text) => {
    /** @type {string[]} */
    const names = (await sessions()).filter((/** @type {any} */ one) => one.status === "active")
      .map((/** @type {any} */ one) => one.name);
    const begun = text.includes("/") ? names.filter((name) => name === text.split("/")[0]) : names.slice(0, lanedMax);
    const lanes = await Promise.all(begun.map(lanesOf));
    return begun.flatMap((name, at) => lanes[at].map((/** @type {any} */ lane) => ({
      value: `${name}/${lane.name}`, text: `${name}/${lane.name}`, detail: lane.paused
        ? `paused by ${plain(lane.paused.by, 40)}` : "",
    })));
  },
  lane: async () => ["A", "B", "C", "D"].map((value) => ({ value, text: value })),
  node: async () => (await get("/v1/nodes")).nodes.map((/** @type {any} */ node) => ({
    value: node.name, text: node.name, detail: node.status,
  })),
  limit: async () => (await get("/v1/limits")).limits.map((/** @type {any} */ one) => ({
    value: one.name, text: one.name, detail: plain(one.rate, 40),
  })),
  token: async () => (await get("/v1/tokens")).tokens.map((/** @type {any} */ one) => ({
    value: one.id, text: plain(one.name, 60), detail: one.scope,
  })),
  schedule: async () => (await get(url("/v1/schedules",
    { limit: rowsMax }))).schedules.map((/** @type {any} */ one) => ({
    value: one.name, text: one.name, detail: one.paused ? "paused" : plain(one.title, 80),
  })),
  approval: async () => (await get(url("/v1/approvals",
    { limit: rowsMax }))).approvals.map((/** @type {any} */ one) => ({
    value: one.run, text: `${plain(one.plan, 60)}: ${plain(one.step, 60)}`, detail: plain(one.message, 80),
      state: "waiting",
    line: `${one.run} ${quoted(one.step)}`,
  })),
  step: stepsOf,
  from: stepsOf,
  input: async (_, template) => {
    const { plan_digest: digest } = await get(`/v1/templates/${part(template)}`);
    const { inputs } = await get(`/v1/plans/${part(digest)}`);
    return Object.entries(inputs ?? {}).map(([name, one]) => ({
      value: `${name}=`, text: `${name}=`,
      detail: [one.type, one.default === undefined ? "required" : `otherwise ${plain(one.default, 60)}`,
        plain(one.description ?? "", 60)].filter(Boolean).join(" · "),
    }));
  },
};

/**
 * Runs that the node finds for a text: by what is shown of them, by their failure or inputs.
 * @param {string} path @param {string} text
 * @returns {Promise<Value[]>}
 */
const runsOf = async (path, text) => (await get(url(path, { limit: runsMax, text }))).runs.map(
  (/** @type {any} */ run) => ({
    value: run.id, text: plain(run.plan, 80), state: shownState(run), href: `/ui/runs/${part(run.id)}`,
    detail: `${stateOf(shownState(run)).word.toLowerCase()} · ${plain(run.session, 40)} / ${plain(run.lane, 40)}`,
    foundBy: text.trim(),
  }));

const sessions = async () => (await get(url("/v1/sessions", { limit: rowsMax }))).sessions;
/** @param {string} name */
const lanesOf = async (name) => (await get(`/v1/sessions/${part(name)}/lanes?limit=100`)).lanes;

/** @param {string} _ @param {string} run @returns {Promise<Value[]>} */
async function stepsOf(_, run) {
  const document = await get(`/v1/runs/${part(run)}?include=steps`);
  const plan = await get(`/v1/plans/${part(document.plan_digest)}`);
  /** @type {Map<string, string>} */
  const states = new Map(document.steps.map((/** @type {any} */ step) => [step.step, step.state]));
  return plan.steps.map((/** @type {any} */ step) => ({
    value: step.id, text: step.id, state: states.get(step.id) ?? "pending",
      detail: stateOf(states.get(step.id) ?? "pending").word.toLowerCase(),
  }));
}

/** What is known by now, by kind. */
export const sources = signal(/** @type {Record<string, Value[]>} */ ({}));
/** Why a kind's values could not be had; empty when they could. */
export const trouble = signal("");

/** Whether an answer is awaited. */
export const isPending = signal(false);

/**
 * When the values of a kind were asked for.
 * @type {Map<string, number>}
 */
const asked = new Map();
/** @type {ReturnType<typeof setTimeout> | undefined} */
let timer;
let turn = 0;

/**
 * What the values of each kind are for, as {@link nameOf} tells it.
 * @type {Map<string, string>}
 */
const latest = new Map();

/** @param {string} kind @param {string} text @param {string} of */
const nameOf = (kind, text, of) => `${searched.has(kind) ? text : ""} ${owned.has(kind) ? of : ""}`;

/**
 * Asks for what a line wants, unless it is known.
 * @param {{kinds: string[], text: string, of: string}} wanted
 */
export function want({ kinds: wanted, text, of }) {
  clearTimeout(timer);
  const own = (turn += 1);
  const kinds = wanted.filter((kind) => loaders[kind] && (of || !owned.has(kind)));
  // Another run's steps are none of this one.
  for (const kind of kinds) if (owned.has(kind) && latest.get(kind) !== nameOf(kind, text, of)) set(kind, []);
  isPending.value = kinds.length > 0;
  if (kinds.length === 0) trouble.value = "";
  timer = setTimeout(async () => {
    await Promise.all(kinds.map((kind) => load(kind, text, of, () =>
      own === turn || !(searched.has(kind) || owned.has(kind)))));
    if (own === turn) isPending.value = false;
  }, typeMilliseconds);
}

/**
 * Asks for the values of a kind, unless they were asked for lately.
 * @param {string} kind @param {string} text @param {string} of
 * @param {() => boolean} isWanted Whether they still are when they come.
 */
async function load(kind, text, of, isWanted) {
  const name = nameOf(kind, text, of);
  if (latest.get(kind) === name && performance.now() - (asked.get(kind) ?? -Infinity) < freshMilliseconds) return;
  try {
    const values = await loaders[kind](text, of);
    if (!isWanted()) return;
    set(kind, values);
    latest.set(kind, name);
    asked.set(kind, performance.now());
    trouble.value = "";
  } catch (error) {
    if (!isWanted()) return;
    set(kind, []);
    trouble.value = `What can stand here cannot be told: ${plain(error.message, 200)}`;
  }
}

/** @param {string} kind @param {Value[]} values */
function set(kind, values) {
  latest.delete(kind);
  sources.value = { ...sources.peek(), [kind]: values };
}
