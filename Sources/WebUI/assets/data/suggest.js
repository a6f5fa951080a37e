// What the command bar offers for what is typed: verbs, values, places; the recent first. Pure.
// @ts-check
import { fuzzy } from "../core/fuzzy.js";
import { commands, offered, parse, quoted, saidAs, usage } from "./commands.js";
import { fixed } from "./commands/words.js";

/**
 * A value that a verb can take; `line` is what it is written as where that is more than the value, and `foundBy` the
 * text for which the node found it, by more than what is shown of it.
 * @typedef {{value: string, text: string, detail?: string, state?: string, href?: string, line?: string,
 *   foundBy?: string}} Value
 * @typedef {{id: string, group: string, title: string, detail: string, icon: string, at: number[], line: string,
 *   isReady: boolean, href?: string, state?: string}} Suggestion `line` is what stands in the bar once it is taken;
 *   `isReady` has it done at once, `href` opens instead.
 */

/** Suggestions that are shown at most, and of one group. */
const suggestionsMax = 120;
const groupMax = 8;
/** How much it counts that something was used lately. */
const recentBonus = 60;
/** What is looked for everywhere, with the page that shows it. */
const places = /** @type {const} */ ([["page", "Go"], ["run", "Runs found"], ["template", "Templates found"],
  ["session", "Sessions found"]]);

/**
 * Which values are wanted for a line: kinds, and the text they are to fit.
 * @param {string} line
 * @returns {{kinds: string[], text: string, of: string}} `of` is the run or template whose steps or inputs are meant.
 */
export function wanted(line) {
  const parsed = parse(line);
  if (parsed && isBehind(parsed, line)) {
    const kind = parsed.typing?.kind;
    return { kinds: kind && !fixed[kind] ? [kind] : [], text: parsed.typing?.text ?? "", of: parsed.args[0] ?? "" };
  }
  return { kinds: line.trim().length >= 2 ? ["run", "template", "session"] : [], text: line.trim(), of: "" };
}

/**
 * Whether the verb is written, and what it takes is next.
 * @param {import("./commands.js").Parsed} parsed
 * @param {string} line
 */
const isBehind = (parsed, line) => parsed.args.length > 0 || parsed.typing !== null && /\s$/.test(line)
  || parsed.typing?.index === -1
  || Object.keys(parsed.pairs).length > 0;

/**
 * What is offered, the best first, in groups.
 * @param {string} line
 * @param {{sources: Record<string, Value[]>, recent: string[], may: (scope: string) => boolean}} known
 * @returns {Suggestion[]}
 */
export function suggest(line, { sources, recent, may }) {
  const allowed = commands.filter((command) => !command.scope || may(command.scope));
  if (line.trim() === "") return [...recentOnes(recent), ...allowed.map((command) => offer(command, []))].slice(0,
    suggestionsMax);
  const parsed = parse(line);
  if (parsed && (!parsed.command.scope || may(parsed.command.scope)) && isBehind(parsed, line)) {
    return forArgument(line, parsed, sources);
  }
  return found(line, allowed, sources, recent);
}

/**
 * Lines of before. Taking one only writes it: a second Enter does it, which no nervous finger means.
 * @param {string[]} recent
 * @returns {Suggestion[]}
 */
const recentOnes = (recent) => recent.slice(0, 6).map((line) => ({
  id: `recent ${line}`, group: "Recent", title: line, detail: "", icon: "clock", at: [], line, isReady: false,
}));

/** @param {import("./commands.js").Command} command @param {number[]} at @returns {Suggestion} */
function offer(command, at) {
  const needs = (command.args ?? []).length > 0;
  return {
    id: `command ${command.name}`, group: command.group, title: usage(command), detail: command.text,
      icon: command.icon, at,
    line: needs ? `${command.name} ` : command.name, isReady: !needs,
  };
}

/**
 * @param {string} line
 * @param {import("./commands.js").Parsed} parsed
 * @param {Record<string, Value[]>} sources
 * @returns {Suggestion[]}
 */
function forArgument(line, parsed, sources) {
  const { command, typing } = parsed;
  /** @type {Suggestion[]} */
  const suggestions = [];
  const ready = {
    id: "ready", group: "Do", title: line.trim(), detail: command.text, icon: command.icon, at: [], line: line.trim(),
      isReady: true,
  };
  if (typing) {
    /** @type {Value[]} */
    const values = typing.kind === "option" ? optionsOf(parsed) : fixed[typing.kind] ?? sources[typing.kind] ?? [];
    const before = line.slice(0, typing.start);
    const scored = values.flatMap((value) => {
      const fits = fit(typing.text, value);
      return fits ? [{ value, ...fits }] : [];
    });
    scored.sort((a, b) => b.score - a.score);
    for (const { value, at } of scored.slice(0, suggestionsMax)) {
      const isPair = typing.kind === "input";
      const isOption = typing.kind === "option";
      const text = `${before}${value.line ?? (isOption ? value.value : quoted(value.value))}`;
      const next = parse(`${text} `);
      // An option's value, the last argument, and what was typed whole end the line.
      const isLast = typing.index === -1 || text === line.trim()
        || (next !== null && (command.args ?? []).length <= next.args.length);
      const isReady = !isPair && !isOption && isLast && next !== null && next.isComplete;
      suggestions.push({
        id: `value ${value.value}`, group: isOption ? "Options" : command.args?.[typing.index]?.name ?? typing.kind,
        title: value.text && value.text !== value.value ? `${value.text}  ${short(value.value)}` : value.value,
          detail: value.detail ?? "",
        icon: command.icon, at: value.text && value.text !== value.value ? [] : at, state: value.state,
        line: isReady || isPair ? text : `${text} `, isReady,
      });
    }
  }
  // What is whole may be done as it stands; a value that is only begun is completed first.
  const isExact = suggestions.some((one) => one.isReady && one.line === line.trim());
  const isBegun = typing !== null && typing.text !== "" && suggestions.length > 0 && !["text",
    "input"].includes(typing.kind);
  if (parsed.isComplete && !isExact) return isBegun ? [...suggestions, ready] : [ready, ...suggestions];
  return suggestions;
}

/**
 * The options that may still be said.
 * @param {import("./commands.js").Parsed} parsed
 * @returns {Value[]}
 */
const optionsOf = ({ command, args, options }) => offered(command)
  .filter((name) => options[name] === undefined && args[command.options?.[name].to ?? Infinity] === undefined)
  .map((name) => ({ value: `--${name}`, text: "" }));

/**
 * An id as it is shown.
 * @param {string} value
 */
const short = (value) => (/^[0-9a-z]{13,}$/.test(value) ? value.slice(0, 8) : value);

/** @param {string} text @param {Value} value */
function fit(text, value) {
  const own = fuzzy(text, value.value);
  const other = fuzzy(text, `${value.text} ${value.detail ?? ""}`);
  if (!own && !other) return value.foundBy !== undefined && value.foundBy === text.trim() ? { score: 0, at: [] } : null;
  if (!own) return other ? { score: other.score, at: [] } : null;
  return own.score >= (other?.score ?? -Infinity) ? own : { score: other?.score ?? 0, at: [] };
}

/**
 * Verbs that fit, and everything that can be opened.
 * @param {string} line
 * @param {import("./commands.js").Command[]} allowed
 * @param {Record<string, Value[]>} sources
 * @param {string[]} recent
 */
function found(line, allowed, sources, recent) {
  const text = line.trim();
  /** @type {{score: number, suggestion: Suggestion}[]} */
  const all = [];
  const before = recent.map((one) => parse(one)?.command);
  for (const command of allowed) {
    const own = fuzzy(text, command.name);
    // Of other words and of the description letters in a row are wanted: any sentence has some of them.
    const others = [...saidAs(command).slice(1),
      command.text].filter((said) => said.toLowerCase().includes(text.toLowerCase()))
      .map((said) => fuzzy(text, said)?.score ?? -Infinity);
    const score = Math.max(own?.score ?? -Infinity, ...others.map((other) => other - 30));
    const last = before.indexOf(command);
    if (score > -Infinity) all.push({ score: score + (last < 0 ? 0 : recentBonus - last), suggestion: offer(command,
      own?.at ?? []) });
  }
  for (const [kind, group] of places) {
    for (const value of /** @type {Value[]} */ (fixed[kind] ?? sources[kind] ?? [])) {
      const fits = fit(text, value);
      if (!fits || !value.href) continue;
      all.push({ score: fits.score - 20, suggestion: {
        id: `${kind} ${value.value}`, group, title: value.text && value.text !== value.value
          ? `${value.text}  ${short(value.value)}` : value.value,
        detail: value.detail ?? "", icon: kind === "page" ? "right" : `${kind}s`, at: [], line: "", isReady: true,
          href: value.href, state: value.state,
      } });
    }
  }
  const search = {
    id: "find", group: "Search", title: `Find runs with “${text}”`,
      detail: "In plans, failures, inputs; the beginning of an id", icon: "search",
    at: [], line: `find ${text.startsWith("-") ? quoted(text) : text}`, isReady: true,
  };
  if (all.length > 0) return [...grouped(all).slice(0, suggestionsMax), search];
  return [{ id: "plain", group: "Say", title: text, detail: "This is no command", icon: "command", at: [], line: text,
    isReady: true }, search];
}

/**
 * The best group first, and in it the best first.
 * @param {{score: number, suggestion: Suggestion}[]} all
 */
function grouped(all) {
  /** @type {Map<string, typeof all>} */
  const groups = new Map();
  for (const one of [...all].sort((a, b) => b.score - a.score)) {
    const group = groups.get(one.suggestion.group) ?? [];
    if (group.length < groupMax) group.push(one);
    groups.set(one.suggestion.group, group);
  }
  return [...groups.values()].flat().map((one) => one.suggestion);
}

/**
 * Recent lines after one more.
 * @param {string[]} recent
 * @param {string} line
 * @param {number} [max]
 */
export const remembered = (recent, line, max = 20) => [line, ...recent.filter((other) => other !== line)].slice(0, max);

/**
 * What the bar answers to a text that is no command.
 * @param {string} text
 */
export const noCommand = (text) => `“${text.length > 80 ? `${text.slice(0, 80)}…` : text}” is no command I know. `
  + "Plans are not made of plain text yet: that comes with a later version. Say for example:";
/** Examples that go with it. */
export const examples = ["run <template> env=staging", "retry <run>", "list failed", "pause lane default/A",
  "find connection refused", "go to metrics"];
