// Verbs of a room: sessions, lanes, limits, schedules; nodes, shards, tokens, what is kept. Pure.
// @ts-check
import { flag, idle, into, lane, many, session, takes, template, word, words } from "./words.js";

const node = word("node", "node");
const schedule = word("schedule", "schedule");
const limit = word("limit", "limit");
const watch = { ...idle, short: "w" };
/** Options of `schedules create` and `edit`: the form has a field for each. */
const inForm = Object.fromEntries(["plan", "template", "cron", "every", "zone", "title", "session", "lane", "priority",
  "input", "anchor", "start", "end", "jitter", "misfire", "catch-up", "catch-up-max", "overlap", "for", "delay", "ttl",
  "deadline", "deadline-at", "unique", "unique-in", "unique-for", "on-conflict", "debounce-max", "name", "without"]
  .map((name) => [name, { kind: "word", isMany: true, isIdle: true, short: name === "input" ? "i" : undefined }]));

/** @type {import("./words.js").Command[]} */
const sessionCommands = [
  { name: "pause lane", words: ["lanes pause"], group: "Lanes and sessions", icon: "pause", scope: "run",
    args: [lane, words("reason")], options: { reason: into(1), key: takes(), by: takes() },
    text: "Have a lane take no runs until it is resumed" },
  { name: "resume lane", words: ["lanes resume"], group: "Lanes and sessions", icon: "play", scope: "run",
    args: [lane], options: { key: takes() }, text: "Have a paused lane take runs again" },
  { name: "set lane", words: ["lanes set"], group: "Lanes and sessions", icon: "edit", scope: "run", args: [lane],
    options: { width: takes("number"), priority: takes("number"), "key-width": takes(), rate: takes(),
      "key-rate": takes(), ageing: takes(), limit: { ...many, kind: "limit" }, worker: takes("worker") },
    text: "How many runs of a lane go at once, how fast they begin, which first" },
  { name: "new lane", words: ["lanes create"], group: "Lanes and sessions", icon: "plus", scope: "run",
    args: [session, word("name")], text: "Add a lane to a session" },
  { name: "new session", words: ["sessions create"], group: "Lanes and sessions", icon: "plus", scope: "run",
    args: [word("name"), words("what it is for")], options: { intent: into(1), lane: many },
    text: "Make a session; its lanes are A to D unless you say others" },
  { name: "pause session", words: ["sessions pause"], group: "Lanes and sessions", icon: "pause", scope: "run",
    args: [session, words("reason")], options: { reason: into(1), by: takes() },
    text: "Have a session take no runs until it is resumed" },
  { name: "resume session", words: ["sessions resume"], group: "Lanes and sessions", icon: "play", scope: "run",
    args: [session], text: "Have a paused session take runs again" },
  { name: "archive session", words: ["sessions archive"], group: "Lanes and sessions", icon: "archive", scope: "run",
    args: [session], text: "Close a session that has no open runs", verb: "Archive it",
    asks: "Archive this session? Its history stays, it takes no runs any more." },
  { name: "set limit", words: ["limits set"], group: "Lanes and sessions", icon: "clock", scope: "run",
    args: [limit, word("100/m:20")], options: { rate: into(1) }, text: "Make or change a rate that lanes share" },
  { name: "delete limit", words: ["limits delete"], group: "Lanes and sessions", icon: "trash", scope: "run",
    args: [limit], text: "Remove a limit that no lane names", asks: "Remove this limit?", verb: "Remove it" },
  { name: "show session", words: ["sessions show", "lanes list", "board"], group: "Go", icon: "board", args: [session],
    text: "Open a session's board" },
  { name: "show lane", words: ["lanes show"], group: "Go", icon: "board", args: [lane],
    text: "Open the board that a lane is on" },
  { name: "sessions list", words: ["sessions"], group: "Go", icon: "sessions", options: { all: flag },
    text: "Open the sessions" },
  { name: "limits list", words: ["limits"], group: "Go", icon: "clock", text: "Open the rates that lanes share" },
  { name: "show template", words: ["templates show"], group: "Go", icon: "templates", args: [template],
    text: "Open a template" },
];

/** @type {import("./words.js").Command[]} */
const scheduleCommands = [
  { name: "trigger", words: ["schedules trigger"], group: "Schedules", icon: "play", scope: "run", args: [schedule],
    options: { overlap: takes("overlap") }, text: "Have a schedule make a run now" },
  { name: "pause schedule", words: ["schedules pause"], group: "Schedules", icon: "pause", scope: "run",
    args: [schedule, words("reason")], options: { reason: into(1) },
    text: "Have a schedule make no runs until it is resumed" },
  { name: "resume schedule", words: ["schedules resume"], group: "Schedules", icon: "play", scope: "run",
    args: [schedule], text: "Have a paused schedule go on" },
  { name: "backfill", words: ["schedules backfill"], group: "Schedules", icon: "clock", scope: "run",
    args: [schedule, word("from", "moment"), word("to", "moment")],
    options: { from: into(1, "moment"), to: into(2, "moment") }, text: "Have ticks of the past make their runs",
    asks: "Make up these ticks? Each one between the two moments gets a run, unless it has one.",
    verb: "Make the runs" },
  { name: "delete schedule", words: ["schedules delete"], group: "Schedules", icon: "trash", scope: "run",
    args: [schedule], options: { yes: idle }, text: "Delete a schedule; its runs stay",
    asks: "Delete this schedule? It makes no more runs. The runs it made stay.", verb: "Delete it" },
  { name: "new schedule", words: ["schedules create"], group: "Schedules", icon: "plus", scope: "run",
    args: [{ ...word("name"), isOptional: true }], options: { ...inForm, paused: idle },
    text: "Open the form for a schedule" },
  { name: "edit schedule", words: ["schedules edit"], group: "Schedules", icon: "edit", scope: "run",
    args: [schedule], options: inForm, text: "Open a schedule, to change it" },
  { name: "show schedule", words: ["schedules show", "schedules preview"], group: "Go", icon: "clock",
    args: [schedule], options: { count: { ...takes("number"), isIdle: true }, from: { ...takes("moment"), isIdle: true } },
    text: "Open a schedule, with its next ticks" },
  { name: "schedules list", words: ["schedules"], group: "Go", icon: "clock", text: "Open the schedules" },
];

/** @type {import("./words.js").Command[]} */
const clusterCommands = [
  { name: "drain", words: ["nodes drain"], group: "Cluster", icon: "node", scope: "admin", args: [node],
    options: { "no-wait": idle, watch, timeout: { ...takes("duration"), isIdle: true } },
    text: "Have a node give its work away", verb: "Drain it",
    asks: "Drain this node? It gives its shards away and takes no more." },
  { name: "undrain", words: ["nodes undrain"], group: "Cluster", icon: "node", scope: "admin", args: [node],
    options: { watch }, text: "Have a draining node take part again" },
  { name: "evict", words: ["nodes evict"], group: "Cluster", icon: "trash", scope: "admin", args: [node],
    options: { yes: idle, watch }, text: "Declare a node dead that is gone for good", verb: "Evict it",
    asks: "Evict this node? Its shards are free at once, and its runs go on elsewhere. One that lives learns it within "
      + "seconds and starts over." },
  { name: "move shards", words: ["shards move"], group: "Cluster", icon: "right", scope: "admin",
    args: [{ name: "7 12-19", kind: "shard", isMany: true }], text: "Have shards go to a node",
    options: { to: { ...takes("node"), isRequired: true }, "dry-run": flag, "no-wait": idle, watch,
      timeout: { ...takes("duration"), isIdle: true } } },
  { name: "rebalance", words: ["shards rebalance"], group: "Cluster", icon: "follow", scope: "admin",
    options: { "dry-run": flag, "no-wait": idle, watch, timeout: { ...takes("duration"), isIdle: true } },
    text: "Move a round of shards, so that loads become even", verb: "Move them",
    asks: "Move a round of shards? It is at most 20, and the coordinator does the same by itself." },
  { name: "revoke token", words: ["tokens revoke"], group: "Cluster", icon: "key", scope: "admin",
    args: [word("token", "token")], text: "Have a token open nothing any more", verb: "Revoke it",
    asks: "Revoke this token? Whoever uses it is refused from now on; if it is yours, you are signed out." },
  { name: "new token", words: ["tokens create"], group: "Cluster", icon: "key", scope: "admin",
    args: [{ ...word("name"), isOptional: true }], text: "Open the page that makes tokens",
    options: { scope: { ...takes(), isIdle: true }, group: { ...many, isIdle: true },
      expires: { ...takes("duration"), isIdle: true } } },
  { name: "keep", words: ["retention set"], group: "Cluster", icon: "archive", scope: "admin",
    options: { runs: takes("keep"), events: takes("keep"), "dry-run": flag },
    text: "For how long ended runs and events are kept: --runs 90d --events forever" },
  { name: "cluster status", words: ["nodes list", "nodes status", "nodes", "shards list", "shards", "cluster"],
    group: "Go", icon: "cluster", args: [{ ...node, isOptional: true }], text: "Open the nodes and shards",
    options: { watch, check: idle, all: idle, node: { ...takes("node"), isIdle: true },
      state: { ...takes(), isIdle: true } } },
  { name: "tokens list", words: ["tokens"], group: "Go", icon: "key", scope: "admin", options: { all: flag },
    text: "Open the tokens" },
  { name: "retention show", words: ["retention"], group: "Go", icon: "archive", scope: "admin",
    text: "Open what is kept, and for how long" },
];

export const roomCommands = [...sessionCommands, ...scheduleCommands, ...clusterCommands];

/**
 * What the command line does on a machine, by its words: this page cannot.
 * @type {Record<string, string>}
 */
export const elsewhere = {
  up: "starts a node", node: "starts a node", certs: "makes certificates, in files of your machine",
  context: "says which rooms your command line knows", seal: "keeps the keys of sealed values, on a node's machine",
  migrate: "changes the database, on a node's machine", doctor: "looks at the machine it runs on",
  bench: "measures the machine it runs on", completion: "is for your shell", "exit-codes": "is for your shell",
  "plan check": "reads plan files of your machine", "plan show": "reads plan files of your machine",
  "runs enqueue": "reads a file of your machine", "runs artifact": "writes a file on your machine",
  "events tail": "writes events in your terminal", "tokens first": "is for a cluster that has no node yet",
  "cluster local": "starts nodes on your machine",
};
