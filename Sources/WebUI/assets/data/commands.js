// What can be said in the command bar, and what a line of it means: the verbs of the command line. Pure.
// @ts-check
import { pageCommands } from "./commands/page.js";
import { elsewhere, roomCommands } from "./commands/room.js";
import { runCommands } from "./commands/runs.js";
import { fixed, ofPlace, ofTerminal, strict } from "./commands/words.js";

/**
 * @typedef {import("./commands/words.js").Command} Command
 * @typedef {import("./commands/words.js").Option} Option
 * @typedef {{text: string, start: number, end: number, isQuoted: boolean}} Token `isQuoted` begins with a quote: it is
 *   no option, whatever it holds.
 * @typedef {{command: Command, args: string[], pairs: Record<string, string>, options: Record<string, string>,
 *   many: Record<string, string[]>, typing: {kind: string, index: number, text: string, start: number} | null,
 *   wrong: {text: string, next: string} | null, isComplete: boolean}} Parsed `many` are options that may be said more
 *   than once; `wrong` is why it cannot be done, and what would be right.
 */

/**
 * All verbs, in the order in which they are offered.
 * @type {Command[]}
 */
export const commands = [...runCommands, ...roomCommands, ...pageCommands];

/**
 * A line's words, as a shell has them: quotes keep blanks, `\` takes the next letter as it is. A quote that is never
 * closed is a letter.
 * @param {string} line
 * @returns {Token[]}
 */
export function tokens(line) {
  const found = [];
  for (let at = 0; at < line.length;) {
    if (/\s/.test(line[at])) {
      at += 1;
      continue;
    }
    const start = at;
    let text = "";
    while (at < line.length && !/\s/.test(line[at])) {
      const quote = /^(?:'([^']*)'|"((?:[^"\\]|\\.)*)"|\\(.))/s.exec(line.slice(at));
      text += quote ? quote[1] ?? quote[2]?.replace(/\\(["\\])/g, "$1") ?? quote[3] : line[at];
      at += quote ? quote[0].length : 1;
    }
    found.push({ text, start, end: at, isQuoted: /["'\\]/.test(line[start]) && text !== line.slice(start, at) });
  }
  return found;
}

/**
 * A value as it is written in a line: whatever it holds, it is one word and no option.
 * @param {string} value
 */
export function quoted(value) {
  if (value !== "" && !/[\s"'\\]|^-/.test(value)) return value;
  if (!/["\\]/.test(value)) return `"${value}"`;
  return value.includes("'") ? `"${value.replace(/["\\]/g, "\\$&")}"` : `'${value}'`;
}

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
  if (onlyElsewhere(line)) return null;
  const given = spoken(line).words;
  const command = verb(given);
  if (!command) return null;
  const isOpen = line.length > 0 && !/\s$/.test(line);
  return new Reading(command.command, line).read(given.slice(command.length), isOpen);
}

/**
 * A line without the program's name.
 * @param {string} line
 */
function spoken(line) {
  const words = tokens(line);
  const isNamed = words[0]?.text.toLowerCase() === "opsroom";
  return { words: isNamed ? words.slice(1) : words, isNamed };
}

/**
 * What a line of the command line does that this page cannot; empty for any other line. One word alone is meant so
 * only behind `opsroom`.
 * @param {string} line
 */
export function onlyElsewhere(line) {
  const { words, isNamed } = spoken(line);
  const name = Object.keys(elsewhere).find((one) => (isNamed || one.includes(" "))
    && one.split(" ").every((part, at) => words[at]?.text.toLowerCase() === part));
  return name ? `“opsroom ${name}” ${elsewhere[name]}` : "";
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

/** One line as it is read, word by word. */
class Reading {
  /** @param {Command} command @param {string} line */
  constructor(command, line) {
    this.wanted = command.args ?? [];
    this.line = line;
    /** @type {Record<string, Option>} */
    this.known = { ...ofTerminal, ...command.options };
    /** @type {Token[]} Words that are no options and no options' values. */
    this.plain = [];
    /** @type {Parsed} */
    this.said = { command, args: [], pairs: {}, options: {}, many: {}, typing: null, wrong: null, isComplete: false };
  }

  /**
   * @param {Token[]} rest @param {boolean} isOpen Whether the last word may go on.
   * @returns {Parsed}
   */
  read(rest, isOpen) {
    const { said, wanted } = this;
    let pending = "";
    for (const [at, token] of rest.entries()) {
      const isTyped = isOpen && at === rest.length - 1;
      if (pending) {
        this.take(pending, token.text);
        if (isTyped) this.type(this.known[pending].kind, -1, token);
        pending = "";
      } else if (!token.isQuoted && this.isOption(token.text)) {
        pending = this.option(token, isTyped);
      } else {
        this.plain.push(token);
        if (isTyped) this.type(this.kindAt(this.plain.length - 1), Math.min(this.plain.length, wanted.length) - 1, token);
      }
    }
    this.place();
    if (!said.typing) {
      const next = wanted.findIndex((_, at) => said.args[at] === undefined);
      const kind = pending ? this.known[pending].kind : this.kindAt(next < 0 ? wanted.length : next);
      if (kind && !(next < 0 && !pending && !wanted.at(-1)?.isMany)) {
        const index = pending ? -1 : next < 0 ? wanted.length - 1 : next;
        said.typing = { kind, index, text: "", start: this.line.length };
      }
    }
    if (pending) this.refuse(`--${pending} needs a value`, "");
    this.check();
    const isSaid = said.command.instead !== undefined && (said.many[said.command.instead] ?? []).length > 0;
    const isMissing = wanted.some((argument, at) => !argument.isOptional && said.args[at] === undefined)
      || Object.entries(this.known).some(([name, one]) => one.isRequired && said.options[name] === undefined);
    said.isComplete = !said.wrong && (isSaid || !isMissing);
    return said;
  }

  /** @param {string} text */
  isOption(text) {
    if (text.startsWith("--")) return true;
    return /^-[a-z](?:$|.*=|(?<=^-o)(?:table|jsonl?)$)/.test(text)
      && Object.values(this.known).some((one) => one.short === text[1]);
  }

  /**
   * The option that a word names: `--name`, `--name=value`, `-n`, `-nvalue`.
   * @param {string} text
   */
  named(text) {
    if (text.startsWith("--")) return text.slice(2).split("=")[0];
    return Object.keys(this.known).find((name) => this.known[name].short === text[1]) ?? "";
  }

  /**
   * Takes an option, and says which one waits for its value; empty for none.
   * @param {Token} token
   * @param {boolean} isTyped
   */
  option(token, isTyped) {
    const isLong = token.text.startsWith("--");
    const equals = token.text.indexOf("=");
    const name = this.named(token.text);
    const value = isLong ? (equals < 0 ? null : token.text.slice(equals + 1)) : token.text.slice(2) || null;
    const option = Object.hasOwn(this.known, name) ? this.known[name] : null;
    if (isTyped) this.type(option && value !== null ? option.kind : "option", -1, { ...token, text: value ?? token.text,
      start: option && value !== null ? token.end - value.length : token.start });
    if (!option) {
      if (ofPlace.includes(name)) this.refuse(`--${name} is not for here`, "this page works with the room that it comes from");
      else this.refuse(`“${token.text}” is not known here`, known(this.said.command));
    } else if (option.isFlag) {
      if (value !== null) this.refuse(`--${name} takes no value`, "");
      else this.take(name, "true");
    } else if (value !== null) this.take(name, value);
    else return name;
    return "";
  }

  /** @param {string} name @param {string} value */
  take(name, value) {
    const { said } = this;
    const option = this.known[name];
    if (option.isIdle) return;
    if (option.isPair) this.pair(said.pairs, value, `--${name}`);
    else if (option.isMany) (said.many[name] ??= []).push(value);
    else if (option.to !== undefined ? said.args[option.to] !== undefined : said.options[name] !== undefined) {
      if (!option.isFlag) this.refuse(`--${name} is said twice`, "say it once");
    } else if (option.to !== undefined) said.args[option.to] = value;
    else said.options[name] = value;
  }

  /** @param {Record<string, string>} pairs @param {string} text @param {string} what */
  pair(pairs, text, what) {
    const equals = text.indexOf("=");
    const name = text.slice(0, equals);
    if (equals < 1) this.refuse(`“${text}” is no ${what} name=value`, 'quotes keep blanks together: note="two words"');
    else if (Object.hasOwn(pairs, name)) this.refuse(`“${name}” is said twice`, "say it once");
    else pairs[name] = text.slice(equals + 1);
  }

  /** Puts the words that are no options where the verb wants them. */
  place() {
    const { said, wanted, plain } = this;
    for (const [at, token] of plain.entries()) {
      const index = Math.min(at, wanted.length - 1);
      const argument = wanted[index];
      if (argument?.kind === "text") return this.text(index, plain.slice(at));
      if (argument?.kind === "pairs") this.pair(said.pairs, token.text, "input as");
      else if (argument?.isMany) said.args.push(token.text);
      else if (at >= wanted.length) return this.refuse(`“${token.text}” is one word too many`, usage(said.command));
      else if (said.args[at] !== undefined) return this.refuse(`the ${argument.name} is said twice`, "say it once");
      else said.args[at] = token.text;
    }
  }

  /**
   * All that is left is one text, as it was written; quotes around the whole of it are no part of it.
   * @param {number} index
   * @param {Token[]} words
   */
  text(index, words) {
    const { said, wanted } = this;
    const [first] = words;
    const last = words[words.length - 1];
    const raw = this.line.slice(first.start, last.end);
    const between = tokens(raw);
    if (said.args[index] !== undefined || between.length !== words.length) {
      return this.refuse(`“${(said.args[index] !== undefined ? first : last).text}” is one word too many`,
        `put quotes around ${wanted[index].name}: "two words"`);
    }
    said.args[index] = words.length === 1 && first.isQuoted ? first.text : raw;
    if (said.typing && said.typing.index === index) {
      said.typing = { kind: "text", index, text: said.args[index], start: first.start };
    }
  }

  /** Whether numbers are numbers, and lengths of time such. */
  check() {
    const { said, wanted } = this;
    for (const [index, argument] of wanted.entries()) {
      if (said.args[index] !== undefined) this.fits(argument.kind, said.args[index]);
    }
    for (const [name, value] of Object.entries(said.options)) this.fits(this.known[name].kind, value);
  }

  /** @param {string} kind @param {string} value */
  fits(kind, value) {
    if (kind === "number" && !/^[-+]?\d{1,15}$/.test(value)) this.refuse(`“${value}” is no whole number`, "write it as 12 or -1");
    if (kind === "duration" && milliseconds(value) === null) {
      this.refuse(`“${value}” is no length of time`, "write 90s, 30m, 2h or 1d");
    }
    if (strict.includes(kind) && !fixed[kind].some((one) => one.value === value)) {
      this.refuse(`“${value}” is none of them`, `there are ${fixed[kind].map((one) => one.value).join(", ")}`);
    }
  }

  /** @param {string} kind @param {number} index @param {{text: string, start: number}} token */
  type(kind, index, { text, start }) {
    this.said.typing = { kind, index, text, start };
  }

  /**
   * The kind of the argument at a place; the last one may take more than one word.
   * @param {number} at
   */
  kindAt(at) {
    const argument = this.wanted[Math.min(at, this.wanted.length - 1)];
    return argument ? argument.kind === "pairs" ? "input" : argument.kind : "";
  }

  /** @param {string} text @param {string} next */
  refuse(text, next) {
    this.said.wrong ??= { text, next };
  }
}

/**
 * The options of a command, in words.
 * @param {Command} command
 */
function known(command) {
  const names = offered(command).map((name) => `--${name}`);
  return names.length === 0 ? `“${command.name}” takes no options` : `“${command.name}” takes ${names.join(", ")}`;
}

/**
 * The options of a command that change something here.
 * @param {Command} command
 */
export const offered = (command) => Object.entries(command.options ?? {}).filter(([, option]) =>
  !option.isIdle).map(([name]) => name);

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
    : `<${argument.name}>`)), ...Object.entries(command.options ?? {}).filter(([, option]) => option.isRequired)
    .map(([name, option]) => `--${name} <${option.kind}>`)].join(" ");
