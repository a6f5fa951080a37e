// What verbs of the command bar answer with: sentences, links, questions, refusals.
// @ts-check
import { present } from "../../core/clock.js";
import { plain, shortID } from "../../core/format.js";
import { navigate } from "../../core/router.js";
import { part } from "../../data/api.js";
import { milliseconds } from "../../data/commands.js";
import { say } from "../toast.js";

/**
 * What a verb answers: a sentence, a link, lines below it, one more thing that can be done, or a question.
 * @typedef {{text: string, link?: {href: string, text: string}, lines?: string[], isDone?: boolean,
 *   more?: {verb: string, work: () => void | Promise<void>}, ask?: {verb: string, work: () => Promise<Answer>}}} Answer `isDone` closes
 *   the bar: something else is to be seen, as `more` does once it is pressed; `ask` does its work only then.
 * @typedef {import("../../data/commands.js").Parsed} Parsed
 * @typedef {Record<string, (said: Parsed) => Promise<Answer> | Answer>} Verbs
 */

/** Something that was said wrongly, with what would be right. */
export class Refusal extends Error {
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
export const named = (run) => `${plain(run.plan, 60)} ${shortID(run.id)}`;
/** @param {any} id */
export const linkTo = (id) => ({ href: `/ui/runs/${part(id)}`, text: "Open the run" });
/**
 * Opens an address; `why` says there what is to be done.
 * @param {string} href @param {string} [why]
 * @returns {Answer}
 */
export const go = (href, why) => {
  navigate(href);
  if (why) say(why);
  return { text: why ?? "Opened.", isDone: true };
};

/**
 * Members that are said.
 * @param {Record<string, any>} members
 */
export const said = (members) => Object.fromEntries(Object.entries(members).filter(([, value]) => value !== undefined));

/**
 * A length of time that was checked already.
 * @param {string | undefined} text
 */
export const time = (text) => (text === undefined ? undefined : milliseconds(text) ?? undefined);
/** @param {string | undefined} text */
export const number = (text) => (text === undefined ? undefined : Number(text));

/**
 * A moment as the node takes it.
 * @param {string | undefined} text As `2026-11-20T12:00:00Z`; with `isPast` as `24h`, too, for a day ago.
 * @param {boolean} [isPast]
 * @returns {string | undefined}
 */
export function moment(text, isPast = false) {
  if (text === undefined) return undefined;
  const before = isPast ? milliseconds(text) : null;
  const at = before === null ? Date.parse(text) : present() - before;
  if (Number.isNaN(at)) {
    throw new Refusal(`“${text}” is no moment`, `write it as 2026-11-20T12:00:00Z${isPast ? ", or 24h for a day ago" : ""}`);
  }
  return new Date(at).toISOString().replace(/\.\d+Z$/, "Z");
}
