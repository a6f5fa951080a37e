// What can be said in the command bar: the verbs of the command line, with what each of them takes. Pure.
// @ts-check

/**
 * What a verb takes. `kind` says where its values come from; `text` takes all that is left, `pairs` takes `name=value`.
 * @typedef {{name: string, kind: string, isOptional?: boolean}} Argument
 * @typedef {{name: string, words?: string[], group: string, icon: string, text: string, args?: Argument[], options?: string[],
 *   scope?: "run" | "admin", asks?: string, verb?: string}} Command `words` are other ways to say it; `asks` is what is
 *   asked before it is done, and `verb` says yes to that.
 * @typedef {{text: string, start: number, end: number}} Token
 * @typedef {{command: Command, args: string[], pairs: Record<string, string>, options: Record<string, string>,
 *   typing: {kind: string, index: number, text: string, start: number} | null, isComplete: boolean}} Parsed
 */

const run = { name: "run", kind: "run" };
const session = { name: "session", kind: "session" };
const lane = { name: "session/lane", kind: "place" };
const node = { name: "node", kind: "node" };
const schedule = { name: "schedule", kind: "schedule" };
const approval = { name: "run", kind: "approval" };
const waitingStep = { name: "step", kind: "step" };
/**
 * @param {string} name
 * @param {boolean} [isOptional]
 */
const words = (name, isOptional = true) => ({ name, kind: "text", isOptional });

/**
 * All verbs, in the order in which they are offered.
 * @type {Command[]}
 */
export const commands = [
  {
    name: "run", group: "Runs", icon: "play", text: "Start a run of a template", scope: "run",
    args: [{ name: "template", kind: "template" }, { name: "input=value", kind: "pairs", isOptional: true }],
    options: ["session", "lane", "priority", "for"],
  },
  { name: "retry", words: ["runs retry"], group: "Runs", icon: "retry", scope: "run", args: [run], options: ["from"],
    text: "Run it again from what did not succeed" },
  { name: "cancel", words: ["runs cancel"], group: "Runs", icon: "stop", scope: "run", args: [run, words("reason")],
    text: "End a run", asks: "Cancel this run? Its programs are stopped; steps that always run still do.",
      verb: "Cancel the run" },
  { name: "pause run", words: ["runs pause"], group: "Runs", icon: "pause", scope: "run", args: [run],
    text: "Have a run begin nothing more until it is resumed" },
  { name: "resume run", words: ["runs resume"], group: "Runs", icon: "play", scope: "run", args: [run],
    text: "Have a paused run go on" },
  { name: "skip", words: ["runs skip"], group: "Runs", icon: "skip", scope: "run",
    args: [run, { name: "step", kind: "step" }, words("what was done, and why by hand", false)],
    text: "Say that a step was done by hand; the run goes on" },
  { name: "snooze", words: ["runs snooze"], group: "Runs", icon: "clock", scope: "run",
    args: [run, { name: "30m", kind: "duration" }], text: "Put a queued run off" },
  { name: "priority", words: ["runs priority"], group: "Runs", icon: "up", scope: "run",
    args: [run, { name: "number", kind: "number" }], text: "Change the priority of a queued run" },
  { name: "move", words: ["runs move"], group: "Runs", icon: "right", scope: "run",
    args: [run, { name: "lane", kind: "word" }], text: "Move a queued run to another lane of its session" },
  { name: "signal", words: ["runs signal"], group: "Runs", icon: "follow", scope: "run",
    args: [run, { name: "name", kind: "word" }, words("payload as JSON")], text: "Send a signal to a run" },
  { name: "why", group: "Runs", icon: "search", args: [run], text: "Why a run does not run" },
  { name: "approve", words: ["approvals approve"], group: "Approvals", icon: "check", scope: "run",
    args: [approval, waitingStep, words("comment")], text: "Approve a step that waits" },
  { name: "reject", words: ["approvals reject"], group: "Approvals", icon: "close", scope: "run",
    args: [approval, waitingStep, words("comment")], text: "Reject a step that waits", asks: "Reject this step?",
      verb: "Reject it" },
  { name: "pause lane", words: ["lanes pause"], group: "Lanes and sessions", icon: "pause", scope: "run",
    args: [lane, words("reason")], text: "Have a lane take no runs until it is resumed" },
  { name: "resume lane", words: ["lanes resume"], group: "Lanes and sessions", icon: "play", scope: "run", args: [lane],
    text: "Have a paused lane take runs again" },
  { name: "new lane", words: ["lanes create"], group: "Lanes and sessions", icon: "plus", scope: "run",
    args: [session, { name: "name", kind: "word" }], text: "Add a lane to a session" },
  { name: "new session", words: ["sessions create"], group: "Lanes and sessions", icon: "plus", scope: "run",
    args: [{ name: "name", kind: "word" }, words("what it is for")], text: "Make a session with the lanes A to D" },
  { name: "pause session", words: ["sessions pause"], group: "Lanes and sessions", icon: "pause", scope: "run",
    args: [session, words("reason")], text: "Have a session take no runs until it is resumed" },
  { name: "resume session", words: ["sessions resume"], group: "Lanes and sessions", icon: "play", scope: "run",
    args: [session], text: "Have a paused session take runs again" },
  { name: "archive session", words: ["sessions archive"], group: "Lanes and sessions", icon: "archive", scope: "run",
    args: [session], text: "Close a session that has no open runs",
      asks: "Archive this session? Its history stays, it takes no runs any more.",
    verb: "Archive it" },
  { name: "trigger", words: ["schedules trigger"], group: "Schedules", icon: "play", scope: "run", args: [schedule],
    text: "Have a schedule make a run now" },
  { name: "pause schedule", words: ["schedules pause"], group: "Schedules", icon: "pause", scope: "run",
    args: [schedule, words("reason")], text: "Have a schedule make no runs until it is resumed" },
  { name: "resume schedule", words: ["schedules resume"], group: "Schedules", icon: "play", scope: "run",
    args: [schedule], text: "Have a paused schedule go on" },
  { name: "drain", words: ["nodes drain"], group: "Cluster", icon: "node", scope: "admin", args: [node],
    text: "Have a node give its work away", asks: "Drain this node? It gives its shards away and takes no more.",
      verb: "Drain it" },
  { name: "undrain", words: ["nodes undrain"], group: "Cluster", icon: "node", scope: "admin", args: [node],
    text: "Have a draining node take part again" },
  { name: "go to", words: ["go", "open"], group: "Go", icon: "right", args: [{ name: "page", kind: "page" }],
    text: "Open a page" },
  { name: "show run", words: ["runs show", "show"], group: "Go", icon: "runs", args: [run], text: "Open a run" },
  { name: "logs", words: ["runs logs", "log"], group: "Go", icon: "file", args: [run], text: "Open a run's log" },
  { name: "show session", words: ["sessions show", "board"], group: "Go", icon: "board", args: [session],
    text: "Open a session's board" },
  { name: "show template", words: ["templates show"], group: "Go", icon: "templates",
    args: [{ name: "template", kind: "template" }], text: "Open a template" },
  { name: "list", words: ["runs list", "show runs"], group: "Go", icon: "filter",
    args: [{ name: "status", kind: "status", isOptional: true }], options: ["session", "lane", "template"],
    text: "Runs of a status" },
  { name: "find", words: ["search"], group: "Go", icon: "search", args: [words("text", false)],
    text: "Runs with this in their plan, failure or inputs" },
  { name: "theme", group: "Settings", icon: "theme", args: [{ name: "dark, light or system", kind: "theme" }],
    text: "Dark, light, or as the system has it" },
  { name: "density", group: "Settings", icon: "settings", args: [{ name: "default or compact", kind: "density" }],
    text: "How close rows stand" },
  { name: "navigation", group: "Settings", icon: "menu", args: [{ name: "wide or narrow", kind: "navigation" }],
    text: "With its words, or icons alone" },
  { name: "keys", group: "Settings", icon: "command", text: "All keys that do something here" },
  { name: "sign out", words: ["logout"], group: "Settings", icon: "user", text: "End this browser's session" },
  { name: "help", words: ["?"], group: "Settings", icon: "search", text: "What can be said here" },
];

/**
 * Values that are always the same, by the kind of argument.
 * @type {Record<string, {value: string, text: string, href?: string}[]>}
 */
export const fixed = {
  page: [["runboard", "/ui"], ["runs", "/ui/runs"], ["bulk", "/ui/bulk"], ["approvals", "/ui/approvals"], ["sessions",
    "/ui/sessions"],
    ["templates", "/ui/templates"], ["schedules", "/ui/schedules"], ["cluster", "/ui/cluster"], ["metrics",
      "/ui/metrics"],
    ["settings", "/ui/settings"]].map(([value, href]) => ({ value, text: value, href })),
  theme: ["dark", "light", "system"].map((value) => ({ value, text: value })),
  density: ["default", "compact"].map((value) => ({ value, text: value })),
  navigation: ["wide", "narrow"].map((value) => ({ value, text: value })),
  status: ["failed", "running", "queued", "waiting", "paused", "succeeded", "cancelled", "timed_out", "open", "ended",
    "dead"]
    .map((value) => ({ value, text: value.replace("_", " ") })),
  duration: ["5m", "30m", "2h", "1d"].map((value) => ({ value, text: `for ${value}` })),
};

/**
 * A line's words; quotes keep blanks, what they hold is taken as it is.
 * @param {string} line
 * @returns {Token[]}
 */
export function tokens(line) {
  const found = [];
  const pattern = /(?:[^\s"']|"[^"]*"?|'[^']*'?)+/g;
  for (let match = pattern.exec(line); match; match = pattern.exec(line)) {
    const text = match[0].replace(/"([^"]*)"?|'([^']*)'?/g, (_, double, single) => double ?? single ?? "");
    found.push({ text, start: match.index, end: match.index + match[0].length });
  }
  return found;
}

/**
 * A value as it is written in a line.
 * @param {string} value
 */
export const quoted = (value) => (/[\s"']/.test(value) ? (value.includes('"') ? `'${value}'` : `"${value}"`) : value);

/**
 * All ways to say a command.
 * @param {Command} command
 */
export const saidAs = (command) => [command.name, ...(command.words ?? [])];

/**
 * What a line says; `null` where no verb is at its beginning.
 * @param {string} line
 * @returns {Parsed | null}
 */
export function parse(line) {
  let given = tokens(line);
  if (given[0]?.text.toLowerCase() === "opsroom") given = given.slice(1);
  const command = verb(given);
  if (!command) return null;
  const rest = given.slice(command.length);
  const isOpen = line.length > 0 && !/\s$/.test(line) && rest.length > 0;
  return read(command.command, rest, line, isOpen);
}

/**
 * The longest verb that the words begin with.
 * @param {Token[]} given
 */
function verb(given) {
  /** @type {{command: Command, length: number} | null} */
  let best = null;
  for (const command of commands) {
    for (const said of saidAs(command)) {
      const parts = said.split(" ");
      if (parts.length > given.length || (best && parts.length <= best.length)) continue;
      if (parts.every((part, at) => given[at].text.toLowerCase() === part)) best = { command, length: parts.length };
    }
  }
  return best;
}

/**
 * @param {Command} command
 * @param {Token[]} rest
 * @param {string} line
 * @param {boolean} isOpen Whether the last word may go on.
 * @returns {Parsed}
 */
function read(command, rest, line, isOpen) {
  const wanted = command.args ?? [];
  /** @type {Parsed} */
  const parsed = { command, args: [], pairs: {}, options: {}, typing: null, isComplete: false };
  let option = "";
  for (const [at, token] of rest.entries()) {
    const isLast = at === rest.length - 1 && isOpen;
    const argument = wanted[Math.min(parsed.args.length, wanted.length - 1)];
    const named = /^--([a-z]+)(?:=(.*))?$/s.exec(token.text);
    if (option) {
      parsed.options[option] = token.text;
      if (isLast) parsed.typing = { kind: option, index: -1, text: token.text, start: token.start };
      option = "";
    } else if (named && command.options?.includes(named[1])) {
      if (named[2] === undefined) option = named[1];
      else parsed.options[named[1]] = named[2];
      if (isLast) parsed.typing = { kind: named[2] === undefined ? "option" : named[1], index: -1,
        text: named[2] ?? token.text, start: token.start };
    } else if (isLast && token.text.startsWith("--")) {
      parsed.typing = { kind: "option", index: -1, text: token.text, start: token.start };
    } else if (argument?.kind === "text" && parsed.args.length >= wanted.length - 1) {
      // All that is left is one text, as it was written.
      parsed.args.push(line.slice(token.start).trim().replace(/^(["'])(.*)\1$/s, "$2"));
      parsed.typing = { kind: "text", index: parsed.args.length - 1, text: parsed.args[parsed.args.length - 1],
        start: token.start };
      break;
    } else if (argument?.kind === "pairs" && parsed.args.length >= wanted.length - 1) {
      const equals = token.text.indexOf("=");
      if (equals > 0) parsed.pairs[token.text.slice(0, equals)] = token.text.slice(equals + 1);
      if (isLast) parsed.typing = { kind: "input", index: parsed.args.length, text: token.text, start: token.start };
    } else {
      if (isLast) parsed.typing = { kind: argument?.kind ?? "word", index: parsed.args.length, text: token.text,
        start: token.start };
      parsed.args.push(token.text);
    }
  }
  if (!parsed.typing) {
    const next = option ? option : wanted[parsed.args.length]?.kind;
    const kind = next === "pairs" ? "input" : next;
    if (kind) parsed.typing = { kind, index: option ? -1 : parsed.args.length, text: "", start: line.length };
  }
  const needed = wanted.filter((argument) => !argument.isOptional).length;
  parsed.isComplete = !option && parsed.args.length >= needed;
  return parsed;
}

/**
 * A length of time in milliseconds, as `90s`, `30m`, `2h`, `1d`; `null` for what is none.
 * @param {string} text
 */
export function milliseconds(text) {
  const match = /^(\d+(?:\.\d+)?)(ms|s|m|h|d)$/.exec(text.trim());
  if (!match) return null;
  return Math.round(Number(match[1]) * { ms: 1, s: 1000, m: 60_000, h: 3_600_000,
    d: 86_400_000 }[/** @type {"s"} */ (match[2])]);
}

/**
 * How a command is written, with what it takes.
 * @param {Command} command
 */
export const usage = (command) =>
  [command.name, ...(command.args ?? []).map((argument) => (argument.isOptional ? `[${argument.name}]`
    : `<${argument.name}>`))].join(" ");
