// How one line of a log is drawn: number, time, source, and the text with its colours, marks and codes.
// @ts-check
import { count, fullMoment, plain } from "../../core/format.js";
import { bare, parse, plainStyle } from "../../data/ansi.js";
import { marked } from "../../data/find.js";
import { copy } from "../../parts/copy.js";
import { openDialog } from "../../parts/dialog.js";
import { html } from "../../core/html.js";

/**
 * @typedef {import("./store.js").LogLine} LogLine
 * @typedef {{lineAt: (row: number) => number | null, known: (line: number) => LogLine | undefined,
 *   address: (line: number) => string, marks: (line: LogLine, text: string) => [number, number][] | null,
 *   isCurrent: (line: number) => boolean, isChosen: (line: number) => boolean, hasSources: () => boolean}} RowContext
 */

/** Characters of a whole line that are shown when it is asked for. */
const wholeMax = 500_000;

/**
 * An element for a line.
 * @returns {import("./rows.js").DrawnRow}
 */
export function makeRow() {
  const element = document.createElement("div");
  const number = document.createElement("a");
  number.className = "log-number";
  number.tabIndex = -1;
  const time = document.createElement("span");
  time.className = "log-time";
  const source = document.createElement("span");
  source.className = "log-source";
  const text = document.createElement("span");
  text.className = "log-text";
  element.append(number, time, source, text);
  return { element, row: -1, isMissing: true, number, time, source, text, line: 0 };
}

/**
 * Draws a line into its element.
 * @param {import("./rows.js").DrawnRow} drawn
 * @param {RowContext} context
 */
export function drawRow(drawn, context) {
  const number = context.lineAt(drawn.row);
  drawn.line = number ?? 0;
  drawn.number.textContent = number === null ? "" : String(number);
  if (number !== null) drawn.number.href = context.address(number);
  const line = number === null ? undefined : context.known(number);
  drawn.isMissing = !line;
  const look = number === null ? "" : `${context.isCurrent(number) ? " is-current" : ""}${
    context.isChosen(number) ? " is-chosen" : ""}`;
  if (!line) {
    drawn.element.className = `log-row is-missing${look}`;
    drawn.time.textContent = "";
    drawn.source.textContent = "";
    drawn.text.textContent = "";
    return;
  }
  const isError = line.stream === "stderr";
  drawn.element.className = `log-row level-${line.level}${isError ? " is-stderr" : ""}${look}`;
  drawn.time.textContent = clock(line.at);
  drawn.time.title = fullMoment(line.at);
  const source = context.hasSources() ? line.step + (line.attempt > 1 ? ` #${line.attempt}` : "") : "";
  drawn.source.textContent = `${source}${isError ? (source ? " err" : "err") : ""}`;
  drawn.source.title = `${line.step}, attempt ${line.attempt}, ${line.stream}`;
  drawText(drawn.text, line, context);
}

/**
 * A moment's time of day with milliseconds.
 * @param {string} at
 */
function clock(at) {
  const date = new Date(at);
  if (Number.isNaN(date.getTime())) return "";
  const two = (/** @type {number} */ value) => (value < 10 ? `0${value}` : String(value));
  const thousandth = String(date.getMilliseconds()).padStart(3, "0");
  return `${two(date.getHours())}:${two(date.getMinutes())}:${two(date.getSeconds())}.${thousandth}`;
}

/**
 * @param {HTMLElement} place
 * @param {LogLine} line
 * @param {RowContext} context
 */
function drawText(place, line, context) {
  const read = parse(line.text);
  const source = read.runs.map((run) => run.source).join("");
  const marks = context.marks(line, source);
  if (marks === null) {
    // It fits, and where cannot be told: the line as a whole is marked.
    place.replaceChildren(...read.runs.map((run) => piece(run, run.text, true)));
  } else if (marks.length === 0 && read.runs.length === 1 && read.runs[0].style === plainStyle && !read.runs[0].isCode)
    {
    place.textContent = read.runs[0].text;
  } else {
    place.replaceChildren(...marked(read.runs, marks).map(({ run, from, to, isMarked }) =>
      piece(run, run.isCode ? run.text : run.text.slice(from, to), isMarked)));
  }
  if (read.hidden) place.append(note(read.hidden));
  if (read.rest > 0) {
    const button = document.createElement("button");
    button.type = "button";
    button.className = "log-more";
    button.textContent = `… ${count(read.rest)} more characters`;
    button.addEventListener("click", () => showWhole(line));
    place.append(button);
  }
}

/**
 * Says that something was written over, and what.
 * @param {string} hidden
 */
export function note(hidden) {
  const element = document.createElement("span");
  element.className = "log-note";
  element.textContent = ` ↤ ${count(hidden.length)} written over`;
  element.title = plain(hidden, 1000);
  return element;
}

/**
 * A part of a line as an element.
 * @param {import("../../data/ansi.js").Run} run
 * @param {string} text
 * @param {boolean} isMarked
 */
export function piece(run, text, isMarked) {
  const { style } = run;
  if (style === plainStyle && !run.isCode && !isMarked) return document.createTextNode(text);
  const element = document.createElement(isMarked ? "mark" : style.href ? "a" : "span");
  element.textContent = text;
  if (style.href && element instanceof HTMLAnchorElement) {
    element.href = style.href;
    element.target = "_blank";
    element.rel = "noopener noreferrer";
    element.title = style.href;
    element.tabIndex = -1;
  }
  const names = run.isCode ? ["log-code"] : [];
  const [fg, bg] = style.isInverse ? [style.bg ?? "paper", style.fg ?? "ink"] : [style.fg, style.bg];
  colour(element, names, "fg", fg);
  colour(element, names, "bg", bg);
  if (style.isBold) names.push("is-bold");
  if (style.isDim) names.push("is-dim");
  if (style.isItalic) names.push("is-italic");
  if (style.isUnderlined) names.push("is-underlined");
  if (style.isStruck) names.push("is-struck");
  if (names.length > 0) element.className = names.join(" ");
  return element;
}

/**
 * @param {HTMLElement} element
 * @param {string[]} names
 * @param {"fg" | "bg"} kind
 * @param {number | string | null} value
 */
function colour(element, names, kind, value) {
  if (value === null) return;
  if (typeof value === "string" && value.startsWith("#")) {
    names.push(`${kind}-own`);
    element.style.setProperty(`--${kind}`, value);
  } else names.push(`${kind}-${value}`);
}

/**
 * Shows a long line whole.
 * @param {LogLine} line
 */
function showWhole(line) {
  const text = bare(line.text.slice(0, wholeMax));
  openDialog({
    title: `Line ${count(line.line)}`, className: "is-wide",
    body: () => html`<div class="dialog-body">
      <pre class="leaf-text" tabindex="0">${plainText(text)}</pre>
      <footer class="dialog-foot"><button class="button" type="button" @click=${() =>
        copy(line.text)}>Copy the line</button></footer></div>`,
  });
}

/**
 * Text of a line with codes for what would turn or hide it.
 * @param {string} text
 */
export const plainText = (text) => parse(text, Infinity).runs.map((run) => run.text).join("");
