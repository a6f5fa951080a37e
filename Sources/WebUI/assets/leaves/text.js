// Foreign text of many lines: with its colours, with codes for what would turn or hide it, so many lines at once.
// @ts-check
import { count } from "../core/format.js";
import { html } from "../core/html.js";
import { signal } from "../core/signal.js";
import { parse, plainStyle } from "../data/ansi.js";
import { note, piece } from "./log/row.js";

/** Lines that are shown at once. */
const linesMax = 3000;

/**
 * Text, line by line.
 * @param {string} text
 * @param {{tone?: (line: string) => string}} options `tone` gives a class for a line.
 */
export function textView(text, { tone } = {}) {
  const lines = text.split(/\r?\n/);
  if (lines[lines.length - 1] === "") lines.pop();
  const shown = signal(Math.min(lines.length, linesMax));
  const place = document.createElement("pre");
  place.className = "leaf-text log-text";
  place.tabIndex = 0;
  place.setAttribute("aria-label", "Text");
  place.setAttribute("role", "region");
  draw(place, lines.slice(0, linesMax), tone);
  return html`<div class="leaf">${place}${() => (shown.value < lines.length ? html`<button type="button" class="button"
    @click=${() => {
    draw(place, lines.slice(shown.peek(), shown.peek() + linesMax), tone);
    shown.value = Math.min(lines.length, shown.peek() + linesMax);
  }}>Show more: ${count(lines.length - shown.value)} lines left</button>` : null)}</div>`;
}

/**
 * @param {HTMLElement} place
 * @param {string[]} lines
 * @param {((line: string) => string) | undefined} tone
 */
function draw(place, lines, tone) {
  const all = document.createDocumentFragment();
  for (const line of lines) {
    const row = document.createElement("div");
    row.className = `leaf-line ${tone?.(line) ?? ""}`;
    const read = parse(line, 20_000);
    if (read.runs.length === 1 && read.runs[0].style === plainStyle && !read.runs[0].isCode) row.textContent =
      read.runs[0].text;
    else row.append(...read.runs.map((run) => piece(run, run.text, false)));
    if (read.rest > 0) row.append(` … ${count(read.rest)} more characters`);
    if (read.hidden) row.append(note(read.hidden));
    all.append(row);
  }
  place.append(all);
}

/**
 * The class of a line of a patch.
 * @param {string} line
 */
export const patchTone = (line) =>
  line.startsWith("+++") || line.startsWith("---") || line.startsWith("diff ") ? "is-head"
    : line.startsWith("@@") ? "is-place" : line.startsWith("+") ? "is-new" : line.startsWith("-") ? "is-gone" : "";
