// What verbs of the command bar take: arguments, options as the command line has them, values that are always the same. Pure.
// @ts-check
import { groups, statuses } from "../run-filter.js";

/**
 * What a verb takes. `kind` says where its values come from; `text` takes all that is left, `pairs` takes `name=value`;
 * `isMany` takes as many as there are.
 * @typedef {{name: string, kind: string, isOptional?: boolean, isMany?: boolean}} Argument
 */
/**
 * What is said with `--`. `to` is the argument that it stands for; `isFlag` takes no value; `isMany` may be said more
 * than once; `isPair` takes `name=value`; `short` is its one letter; `isIdle` changes nothing here.
 * @typedef {{kind: string, to?: number, isFlag?: boolean, isMany?: boolean, isPair?: boolean, short?: string,
 *   isIdle?: boolean, isRequired?: boolean}} Option
 */
/**
 * A verb. `words` are other ways to say it; `asks` is what is asked before it is done, and `verb` says yes to that;
 * `instead` is an option that stands for all arguments.
 * @typedef {{name: string, words?: string[], group: string, icon: string, text: string, args?: Argument[],
 *   options?: Record<string, Option>, scope?: "run" | "admin", asks?: string, verb?: string, instead?: string}} Command
 */

/** @type {Argument} */
export const run = { name: "run", kind: "run" };
/** @type {Argument} */
export const session = { name: "session", kind: "session" };
/** @type {Argument} */
export const lane = { name: "session/lane", kind: "place" };
/** @type {Argument} */
export const template = { name: "template", kind: "template" };
/**
 * @param {string} name
 * @param {string} [kind]
 * @returns {Argument}
 */
export const word = (name, kind = "word") => ({ name, kind });
/**
 * @param {string} name
 * @param {boolean} [isOptional]
 * @returns {Argument}
 */
export const words = (name, isOptional = true) => ({ name, kind: "text", isOptional });

/**
 * An option with a value of a kind.
 * @param {string} [kind]
 * @returns {Option}
 */
export const takes = (kind = "word") => ({ kind });
/**
 * An option that stands for an argument.
 * @param {number} to
 * @param {string} [kind]
 * @returns {Option}
 */
export const into = (to, kind = "word") => ({ kind, to });
/** @type {Option} */
export const flag = { kind: "flag", isFlag: true };
/** @type {Option} */
export const idle = { kind: "flag", isFlag: true, isIdle: true };
/** @type {Option} */
export const many = { kind: "word", isMany: true };
/** @type {Option} */
export const inputs = { kind: "input", isPair: true, isMany: true, short: "i" };

/**
 * Options of a terminal, said of any verb: nothing is to be done about them here.
 * @type {Record<string, Option>}
 */
export const ofTerminal = {
  output: { kind: "word", short: "o", isIdle: true }, verbose: idle, reconnect: { kind: "word", isIdle: true },
};
/** Options that name a room: this page belongs to one. */
export const ofPlace = ["server", "context", "data"];

/** @param {string[]} values */
const values = (...values) => values.map((value) => ({ value, text: value }));

/**
 * Values that are always the same, by the kind of argument.
 * @type {Record<string, {value: string, text: string, href?: string}[]>}
 */
export const fixed = {
  page: [["runboard", "/ui"], ["runs", "/ui/runs"], ["bulk", "/ui/bulk"], ["approvals", "/ui/approvals"],
    ["sessions", "/ui/sessions"], ["templates", "/ui/templates"], ["schedules", "/ui/schedules"],
    ["cluster", "/ui/cluster"], ["metrics", "/ui/metrics"], ["settings", "/ui/settings"],
    ["dead-letters", "/ui/settings?section=dead"], ["limits", "/ui/settings?section=limits"],
    ["tokens", "/ui/settings?section=tokens"], ["retention", "/ui/settings?section=retention"]]
    .map(([value, href]) => ({ value, text: value, href })),
  theme: values("dark", "light", "system"), density: values("default", "compact"), navigation: values("wide", "narrow"),
  switch: values("on", "off"),
  status: [...statuses, ...groups].map((value) => ({ value, text: value.replace("_", " ") })),
  duration: ["5m", "30m", "2h", "1d"].map((value) => ({ value, text: `for ${value}` })),
  worker: values("room", "external"), overlap: values("skip", "queue", "cancel"), uniqueIn: values("lane", "session"),
  conflict: values("reject", "replace", "join", "debounce"),
};
/** Kinds of which nothing but those values will do. */
export const strict = ["theme", "density", "navigation", "switch", "worker", "overlap", "uniqueIn", "conflict"];
