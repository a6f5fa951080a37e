// What the verbs of a room do: sessions, lanes, limits, schedules; nodes, shards, tokens, what is kept.
// @ts-check
import { plain, plural } from "../../core/format.js";
import { get, make, part, patch, post, put, remove, url } from "../../data/api.js";
import { milliseconds } from "../../data/commands.js";
import { goesAtOnce, isKeep } from "../../data/retention.js";
import { ranges } from "../../data/shards.js";
import { Refusal, go, linkTo, moment, number, said as given } from "./answers.js";

/** @typedef {import("./answers.js").Answer} Answer */
/** @typedef {import("./answers.js").Parsed} Parsed */

/** @param {string} name */
const board = (name) => ({ href: `/ui/sessions/${part(name)}`, text: "Open the board" });
const cluster = { href: "/ui/cluster", text: "The cluster" };
/** @param {any} lane */
const laneName = (lane) => `Lane ${plain(lane.session, 60)} / ${plain(lane.name, 60)}`;

/** @type {import("./answers.js").Verbs} */
export const roomVerbs = {
  "pause lane": async ({ args, options: { key, by } }) => {
    const lane = await post(`${lanePath(args[0])}/pause`, given({ reason: args[1], key, by }));
    return { text: key ? `${laneName(lane)} takes no runs of ${plain(key, 60)} until they are resumed.`
      : `${laneName(lane)} takes no runs until it is resumed.` };
  },
  "resume lane": async ({ args, options: { key } }) => {
    const lane = await post(`${lanePath(args[0])}/resume`, given({ key }));
    return { text: key ? `${laneName(lane)} takes runs of ${plain(key, 60)} again.` : `${laneName(lane)} takes runs again.` };
  },
  "set lane": setLane,
  "new lane": async ({ args }) => {
    const lane = await make(`/v1/sessions/${part(args[0])}/lanes`, { name: args[1] });
    return { text: `Lane ${plain(lane.name, 60)} is there.`, link: board(args[0]) };
  },
  "new session": async ({ args, many }) => {
    const lanes = (many.lane ?? ["A", "B", "C", "D"]).map(laneOf);
    const made = await make("/v1/sessions", { name: args[0], intent: args[1] ?? "", lanes });
    return { text: `Session ${plain(made.name, 60)} is there, with ${many.lane
      ? plural(lanes.length, "lane") : "the lanes A to D"}.`, link: board(made.name) };
  },
  "pause session": async ({ args, options: { by } }) => {
    await post(`/v1/sessions/${part(args[0])}/pause`, given({ reason: args[1], by }));
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
  "set limit": async ({ args }) => {
    const limit = await put(`/v1/limits/${part(args[0])}`, { rate: args[1] });
    return { text: `Limit ${plain(args[0], 60)}: ${plain(limit?.rate ?? args[1], 60)}.` };
  },
  "delete limit": async ({ args }) => {
    await remove(`/v1/limits/${part(args[0])}`);
    return { text: `Limit ${plain(args[0], 60)} is removed.` };
  },
  "show session": ({ args }) => go(board(args[0]).href),
  "show lane": ({ args }) => go(board(args[0].includes("/") ? args[0].slice(0, args[0].indexOf("/")) : "default").href),
  "sessions list": ({ options }) => go(options.all ? "/ui/sessions?status=all" : "/ui/sessions"),
  "limits list": () => go("/ui/settings?section=limits"),
  "show template": ({ args }) => go(`/ui/templates/${part(args[0])}`),
  trigger: async ({ args, options }) => {
    const made = await make(`/v1/schedules/${part(args[0])}/trigger`, given({ overlap: options.overlap }));
    const run = made.run ?? made.id;
    return { text: `Schedule ${plain(args[0], 60)} made a run.`, ...(run ? { link: linkTo(run) } : {}) };
  },
  "pause schedule": async ({ args }) => {
    await post(`/v1/schedules/${part(args[0])}/pause`, given({ reason: args[1] }));
    return { text: `Schedule ${plain(args[0], 60)} makes no runs until it is resumed.` };
  },
  "resume schedule": async ({ args }) => {
    await post(`/v1/schedules/${part(args[0])}/resume`);
    return { text: `Schedule ${plain(args[0], 60)} goes on.` };
  },
  backfill: async ({ args }) => {
    const answer = await make(`/v1/schedules/${part(args[0])}/backfill`, { from: moment(args[1]), to: moment(args[2]) });
    const ticks = answer.ticks === null || answer.ticks === undefined ? "" : ` of ${plural(answer.ticks, "tick")}`;
    return { text: `${plural(answer.made, "run")} made${ticks}.`,
      link: { href: `/ui/schedules/${part(args[0])}`, text: "Open the schedule" } };
  },
  "delete schedule": async ({ args }) => {
    await remove(`/v1/schedules/${part(args[0])}`);
    return { text: `Schedule ${plain(args[0], 60)} is deleted; the runs it made stay.` };
  },
  "new schedule": () => go("/ui/schedules", "A schedule is made in a form: New schedule. It shows the next ticks."),
  "edit schedule": ({ args }) => go(`/ui/schedules/${part(args[0])}`, "A schedule is changed in a form: Edit. It shows the next ticks."),
  "show schedule": ({ args }) => go(`/ui/schedules/${part(args[0])}`),
  "schedules list": () => go("/ui/schedules"),
  drain: async ({ args }) => {
    await post(`/v1/nodes/${part(args[0])}/drain`);
    return { text: `Node ${plain(args[0], 60)} gives its work away.`, link: { ...cluster, text: "Watch it" } };
  },
  undrain: async ({ args }) => {
    await post(`/v1/nodes/${part(args[0])}/undrain`);
    return { text: `Node ${plain(args[0], 60)} takes part again.`, link: cluster };
  },
  evict: async ({ args }) => {
    await post(`/v1/nodes/${part(args[0])}/evict`);
    return { text: `Node ${plain(args[0], 60)} is evicted: its shards are free.`, link: cluster };
  },
  "move shards": async ({ args, options }) => {
    const shards = ranges(args);
    if (!shards) throw new Refusal(`“${args.join(" ")}” names no shards`, "they are numbers from 0 to 1023, as 7, 12-19 or 3,5");
    return moved(await post("/v1/shards/move", { shards, to: options.to, dry_run: Boolean(options["dry-run"]) }));
  },
  rebalance: async ({ options }) => moved(await post("/v1/shards/rebalance", { dry_run: Boolean(options["dry-run"]) })),
  "cluster status": () => go("/ui/cluster"),
  "revoke token": async ({ args }) => {
    await remove(`/v1/tokens/${part(args[0])}`);
    return { text: `Token ${plain(args[0], 60)} is revoked.` };
  },
  "new token": () => go("/ui/settings?section=tokens", "A token's secret is shown once, in a dialog: New token."),
  "tokens list": ({ options }) => go(url("/ui/settings", { section: "tokens", all: options.all ? "1" : "" })),
  keep,
  "retention show": () => go("/ui/settings?section=retention"),
};

/** @param {string} text */
function lanePath(text) {
  const at = text.indexOf("/");
  const [session, lane] = at < 0 ? ["default", text] : [text.slice(0, at), text.slice(at + 1)];
  return `/v1/sessions/${part(session)}/lanes/${part(lane)}`;
}

/**
 * A new session's lane, as `NAME`, `NAME:WIDTH` or `NAME:WIDTH:PRIORITY`.
 * @param {string} text
 */
function laneOf(text) {
  const [name, width = "1", priority = "0", ...rest] = text.split(":");
  if (!name || rest.length > 0 || ![width, priority].every((one) => /^-?\d+$/.test(one))) {
    throw new Refusal(`“${text}” is no lane`, "write it as B, B:4 with its width, or B:4:10 with its priority, too");
  }
  return { name, width: Number(width), priority: Number(priority) };
}

/** @param {Parsed} line @returns {Promise<Answer>} */
async function setLane({ args, options, many }) {
  const orNone = (/** @type {string | undefined} */ text, /** @type {(text: string) => any} */ read) =>
    (text === undefined ? undefined : text === "none" ? null : read(text));
  const whole = (/** @type {string} */ text) => {
    if (!/^\d+$/.test(text)) throw new Refusal(`“${text}” is no whole number`, "write --key-width 2, or none");
    return Number(text);
  };
  const ageing = (/** @type {string} */ text) => {
    const ms = milliseconds(text);
    if (ms === null) throw new Refusal(`“${text}” is no length of time`, "write --ageing 10m, or none");
    return ms;
  };
  const settings = given({
    width: number(options.width), priority: number(options.priority), worker: options.worker,
    key_width: orNone(options["key-width"], whole), rate: orNone(options.rate, String),
    key_rate: orNone(options["key-rate"], String), ageing_ms: orNone(options.ageing, ageing),
    limits: many.limit?.join() === "none" ? [] : many.limit,
  });
  if (Object.keys(settings).length === 0) {
    throw new Refusal("it is not said what changes", "say it with --width, --priority, --rate, --limit…");
  }
  const lane = await patch(lanePath(args[0]), settings);
  return { text: `${laneName(lane)} is changed: width ${lane.width}, priority ${lane.priority}.`, link: board(lane.session) };
}

/** @param {any} answer @returns {Answer} */
function moved(answer) {
  const words = /** @type {[string, string][]} */ ([["moves", answer.dry_run ? "would move" : "on their way"],
    ["under_way", "on their way already"], ["there", "there already"],
    ["kept", answer.dry_run ? "would stay" : "stay"], ["passed_over", "passed over"]]);
  const counts = words.map(([outcome, word]) => [answer.moves.filter((/** @type {any} */ one) =>
    one.outcome === outcome).length, word]).filter(([count]) => Number(count) > 0);
  const rest = answer.moves.filter((/** @type {any} */ one) => one.outcome === "passed_over").slice(0, 3)
    .map((/** @type {any} */ one) => ` Shard ${one.shard}: ${plain(one.reason, 160)}.`).join("");
  return { text: counts.length === 0 ? `Nothing moves: ${plain(answer.reason ?? "there is no need", 300)}.`
    : `Shards: ${counts.map(([count, word]) => `${count} ${word}`).join(", ")}.${rest}`, link: cluster };
}

/**
 * Says what would go for good, and changes it once that is answered.
 * @param {Parsed} line
 * @returns {Promise<Answer>}
 */
async function keep({ options }) {
  const wish = given({ runs: options.runs, events: options.events });
  if (Object.keys(wish).length === 0) return go("/ui/settings?section=retention");
  for (const text of Object.values(wish)) {
    if (isKeep(text)) continue;
    throw new Refusal(`“${text}” is no time to keep something for`, "write whole days as 30d, or forever");
  }
  const { revision } = await get("/v1/retention");
  const seen = { headers: { "if-match": `"${revision}"` } };
  const { drops } = await patch("/v1/retention", { ...wish, dry_run: true }, seen);
  const { text } = goesAtOnce(drops, Object.keys(wish));
  if (options["dry-run"]) return { text };
  return { text: `Keep it so? ${text}`, ask: { verb: "Keep it so", work: async () => {
    const now = await patch("/v1/retention", wish, seen);
    return { text: `Ended runs are kept for ${now.runs.keep}, events for ${now.events.keep}.`,
      link: { href: "/ui/settings?section=retention", text: "Retention" } };
  } } };
}
