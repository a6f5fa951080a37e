// What each verb of the command bar does, and what it answers.
// @ts-check
import { plain, plural, shortID } from "../../core/format.js";
import { fuzzy } from "../../core/fuzzy.js";
import { navigate } from "../../core/router.js";
import { density, isNavigationWide, theme } from "../../core/settings.js";
import { get, make, part, patch, post } from "../../data/api.js";
import { commands, fixed, milliseconds, usage } from "../../data/commands.js";
import { signOut } from "../../data/me.js";
import { sentence } from "../error.js";

/**
 * What a verb answers: a sentence, a link, lines below it, or one more thing that can be done.
 * @typedef {{text: string, link?: {href: string, text: string}, lines?: string[], isDone?: boolean,
 *   more?: {verb: string, work: () => void}}} Answer `isDone` closes the bar: something else is to be seen.
 * @typedef {import("../../data/commands.js").Parsed} Parsed
 */

/** Something that was said wrongly, with what would be right. */
class Refusal extends Error {
  /**
   * @param {string} message
   * @param {string} next
   */
  constructor(message, next) {
    super(message);
    this.next = next;
  }
}

/** @param {any} run */
const named = (run) => `${plain(run.plan, 60)} ${shortID(run.id)}`;
/** @param {any} run */
const linkTo = (run) => ({ href: `/ui/runs/${part(run.id)}`, text: "Open the run" });
/** @param {string} href @returns {Answer} */
const go = (href) => {
  navigate(href);
  return { text: "Opened.", isDone: true };
};

/** @type {Record<string, (said: Parsed) => Promise<Answer> | Answer>} */
const verbs = {
  run: startRun,
  retry: async ({ args, options }) => {
    const run = await make(`/v1/runs/${part(args[0])}/retry`, options.from ? { from: options.from } : {});
    const again = run.steps?.length
      ? `: ${plural(run.steps.length, "step")} again, from ${plain(run.steps[0], 60)}` : "";
    return { text: `${named(run)} is queued once more${again}.`, link: linkTo(run) };
  },
  cancel: async ({ args }) => {
    const run = await post(`/v1/runs/${part(args[0])}/cancel`, args[1] ? { reason: args[1] } : {});
    return { text: run.status === "cancelled" ? `${named(run)} is cancelled.` : `${named(run)} is asked to end.`,
      link: linkTo(run) };
  },
  "pause run": async ({ args }) => {
    const run = await post(`/v1/runs/${part(args[0])}/pause`);
    return { text: `${named(run)} is paused: it begins nothing more.`, link: linkTo(run) };
  },
  "resume run": async ({ args }) => {
    const run = await post(`/v1/runs/${part(args[0])}/resume`);
    return { text: `${named(run)} goes on.`, link: linkTo(run) };
  },
  skip: async ({ args }) => {
    const run = await make(`/v1/runs/${part(args[0])}/steps/${part(args[1])}/skip`, { note: args[2] });
    return { text: `Step ${plain(args[1], 60)} counts as done by hand; the run goes on.`,
      link: { href: `/ui/runs/${part(run.id ?? args[0])}`, text: "Open the run" } };
  },
  snooze: async ({ args }) => {
    const time = milliseconds(args[1]);
    if (time === null) throw new Refusal(`“${args[1]}” is no length of time`, "write 90s, 30m, 2h or 1d");
    const run = await post(`/v1/runs/${part(args[0])}/snooze`, { for_ms: time });
    return { text: `${named(run)} is put off until ${new Date(run.due_at).toLocaleString()}.`, link: linkTo(run) };
  },
  priority: async ({ args }) => {
    if (!/^-?\d+$/.test(args[1])) throw new Refusal(`“${args[1]}” is no whole number`,
      "higher goes first; 0 is what runs have otherwise");
    const run = await patch(`/v1/runs/${part(args[0])}`, { priority: Number(args[1]) });
    return { text: `${named(run)} has priority ${run.priority}.`, link: linkTo(run) };
  },
  move: async ({ args }) => {
    const run = await patch(`/v1/runs/${part(args[0])}`, { lane: args[1] });
    return { text: `${named(run)} is in lane ${plain(run.lane, 60)}.`, link: linkTo(run) };
  },
  signal: async ({ args }) => {
    let payload = null;
    if (args[2]) {
      try {
        payload = JSON.parse(args[2]);
      } catch {
        throw new Refusal("the payload is no JSON", 'write it as {"by": "me"}, or leave it out');
      }
    }
    const sent = await make(`/v1/runs/${part(args[0])}/signals`, { name: args[1], payload });
    return { text: `Signal ${plain(sent.name, 60)} was sent.`, link: { href: `/ui/runs/${part(sent.run)}`,
      text: "Open the run" } };
  },
  why: async ({ args }) => {
    const why = await get(`/v1/runs/${part(args[0])}/why`);
    return { text: sentence(plain(why.reason, 400)), link: { href: `/ui/runs/${part(why.run)}`, text: "Open the run" } };
  },
  approve: (said) => decide(said, "approve"),
  reject: (said) => decide(said, "reject"),
  "pause lane": async ({ args }) => {
    const lane = await post(`${lanePath(args[0])}/pause`, args[1] ? { reason: args[1] } : {});
    return { text: `Lane ${plain(lane.session, 60)} / ${plain(lane.name, 60)} takes no runs until it is resumed.` };
  },
  "resume lane": async ({ args }) => {
    const lane = await post(`${lanePath(args[0])}/resume`);
    return { text: `Lane ${plain(lane.session, 60)} / ${plain(lane.name, 60)} takes runs again.` };
  },
  "new lane": async ({ args }) => {
    const lane = await make(`/v1/sessions/${part(args[0])}/lanes`, { name: args[1] });
    return { text: `Lane ${plain(lane.name, 60)} is there.`, link: { href: `/ui/sessions/${part(args[0])}`,
      text: "Open the board" } };
  },
  "new session": async ({ args }) => {
    const made = await make("/v1/sessions", {
      name: args[0], intent: args[1] ?? "", lanes: ["A", "B", "C", "D"].map((name) => ({ name })),
    });
    return { text: `Session ${plain(made.name, 60)} is there, with the lanes A to D.`,
      link: { href: `/ui/sessions/${part(made.name)}`, text: "Open the board" } };
  },
  "pause session": async ({ args }) => {
    await post(`/v1/sessions/${part(args[0])}/pause`, args[1] ? { reason: args[1] } : {});
    return { text: `Session ${plain(args[0], 60)} takes no runs until it is resumed.` };
  },
  "resume session": async ({ args }) => {
    await post(`/v1/sessions/${part(args[0])}/resume`);
    return { text: `Session ${plain(args[0], 60)} takes runs again.` };
  },
  "archive session": async ({ args }) => {
    await post(`/v1/sessions/${part(args[0])}/archive`);
    return { text: `Session ${plain(args[0], 60)} is archived; its history stays.` };
  },
  trigger: async ({ args }) => {
    const made = await make(`/v1/schedules/${part(args[0])}/trigger`, {});
    const run = made.run ?? made.id;
    return { text: `Schedule ${plain(args[0], 60)} made a run.`, ...(run ? { link: { href: `/ui/runs/${part(run)}`,
      text: "Open the run" } } : {}) };
  },
  "pause schedule": async ({ args }) => {
    await post(`/v1/schedules/${part(args[0])}/pause`, args[1] ? { reason: args[1] } : {});
    return { text: `Schedule ${plain(args[0], 60)} makes no runs until it is resumed.` };
  },
  "resume schedule": async ({ args }) => {
    await post(`/v1/schedules/${part(args[0])}/resume`);
    return { text: `Schedule ${plain(args[0], 60)} goes on.` };
  },
  drain: async ({ args }) => {
    await post(`/v1/nodes/${part(args[0])}/drain`);
    return { text: `Node ${plain(args[0], 60)} gives its work away.`, link: { href: "/ui/cluster", text: "Watch it" } };
  },
  undrain: async ({ args }) => {
    await post(`/v1/nodes/${part(args[0])}/undrain`);
    return { text: `Node ${plain(args[0], 60)} takes part again.`, link: { href: "/ui/cluster", text: "The cluster" } };
  },
  "go to": ({ args }) => {
    const best = fixed.page.map((page) => ({ page, score: fuzzy(args[0], page.value)?.score ?? -Infinity })).sort((a,
      b) => b.score - a.score)[0];
    if (best.score === -Infinity) throw new Refusal(`there is no page “${args[0]}”`,
      `there are ${fixed.page.map((page) => page.value).join(", ")}`);
    return go(best.page.href ?? "/ui");
  },
  "show run": ({ args }) => go(`/ui/runs/${part(args[0])}`),
  logs: ({ args }) => go(`/ui/runs/${part(args[0])}?tab=log`),
  "show session": ({ args }) => go(`/ui/sessions/${part(args[0])}`),
  "show template": ({ args }) => go(`/ui/templates/${part(args[0])}`),
  list: ({ args, options }) => {
    const members = new URLSearchParams(options);
    if (args[0]) members.set("status", args[0]);
    return go(`/ui/runs?${members}`);
  },
  find: ({ args }) => go(`/ui/runs?${new URLSearchParams({ text: args[0] })}`),
  theme: ({ args }) => {
    theme.value = one("theme", args[0]);
    return { text: `The theme is ${theme.peek() === "system" ? "as the system has it" : theme.peek()}.` };
  },
  density: ({ args }) => {
    density.value = one("density", args[0]);
    return { text: `Rows stand ${density.peek() === "compact" ? "close" : "as usual"}.` };
  },
  navigation: ({ args }) => {
    isNavigationWide.value = one("navigation", args[0]) === "wide";
    return { text: isNavigationWide.peek() ? "The navigation shows its words." : "The navigation shows icons alone." };
  },
  keys: async () => {
    const { openKeys } = await import("../keys-overlay.js");
    setTimeout(openKeys);
    return { text: "All keys are shown.", isDone: true };
  },
  "sign out": async () => {
    await signOut();
    location.assign("/ui");
    return { text: "Signed out.", isDone: true };
  },
  help: () => ({
    text: "This can be said here, as on the command line; arguments are completed while you type.",
    lines: commands.map((command) => `${usage(command)} – ${command.text}`),
  }),
};

/**
 * Does what was said.
 * @param {Parsed} said
 * @returns {Promise<Answer>}
 */
export async function act(said) {
  return verbs[said.command.name](said);
}

/** @param {Parsed} said @returns {Promise<Answer>} */
async function startRun({ args, pairs, options }) {
  const { session, lane, priority, for: key } = options;
  try {
    const run = await make("/v1/runs", {
      template: args[0], inputs: pairs, ...(session ? { session } : {}), ...(lane ? { lane } : {}),
      ...(priority ? { priority: Number(priority) } : {}), ...(key ? { key } : {}),
    });
    return { text: `${named(run)} is queued in ${plain(run.session, 60)} / ${plain(run.lane, 60)}.`,
      link: linkTo(run) };
  } catch (error) {
    if (error.status !== 422) throw error;
    // An input is missing or wrong: the form says which are there.
    const { openRunDialog } = await import("../run-dialog.js");
    const found = (error.problem?.errors ?? []).map((/** @type {any} */ one) => plain(one.message ?? "", 200)).filter(Boolean);
    return {
      text: `It was not started: ${plain(error.message, 300)}.`, lines: found,
      more: { verb: "Fill in the form", work: () => openRunDialog({ template: args[0], session, lane,
        values: pairs }) },
    };
  }
}

/** @param {Parsed} said @param {"approve" | "reject"} verb @returns {Promise<Answer>} */
async function decide({ args }, verb) {
  const receipt = await post(`/v1/runs/${part(args[0])}/steps/${part(args[1])}/${verb}`, args[2]
    ? { comment: args[2] } : {});
  const text = !receipt.decided ? `Your approval counts: ${receipt.approvals} of ${receipt.needed}.`
    : `Step ${plain(args[1], 60)} is ${verb === "approve" ? "approved" : "rejected"}.`;
  return { text, link: { href: `/ui/runs/${part(receipt.run)}`, text: "Open the run" } };
}

/** @param {string} text */
function lanePath(text) {
  const at = text.indexOf("/");
  const [session, lane] = at < 0 ? ["default", text] : [text.slice(0, at), text.slice(at + 1)];
  return `/v1/sessions/${part(session)}/lanes/${part(lane)}`;
}

/** @param {string} kind @param {string} text */
function one(kind, text) {
  const values = fixed[kind].map((value) => value.value);
  if (!values.includes(text)) throw new Refusal(`“${text}” is none of them`, `there are ${values.join(", ")}`);
  return text;
}
