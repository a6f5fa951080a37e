// A text editor for plan files: line numbers, marks where the compiler found something, keys that people expect.
// @ts-check
import { each, html } from "../core/html.js";
import { plain } from "../core/format.js";
import { leaf } from "../core/leaf.js";
import { computed, effect, signal } from "../core/signal.js";
import { comment, count, indent, lineEnd, offsetOf, placeOf } from "../data/text-places.js";

/**
 * @typedef {{severity: string, file?: string, line: number, column: number, message: string,
 *   hint?: string | null}} Finding
 * @typedef {{element: HTMLElement, jump: (line: number, column: number) => void}} Editor
 * @typedef {{label: string, value: import("../core/signal.js").Signal<string>, findings?: () => Finding[],
 *   isReadOnly?: () => boolean, rows?: number}} EditorOptions
 */

/** Marks drawn at most: beyond that a text is of another kind than a plan. */
const marksMax = 200;
/** Height of a line, as the style has it. */
const linePixels = 20;

/**
 * An editor. Tab indents, Esc lets the next Tab leave.
 * @param {EditorOptions} options
 * @returns {Editor}
 */
export function editor(options) {
  let jump = (/** @type {number} */ _line, /** @type {number} */ _column) => {};
  const element = place(() => {
    const made = build(options);
    jump = made.jump;
    return made.element;
  });
  return { element, jump: (line, column) => jump(line, column) };
}

const place = leaf("oc-editor", (/** @type {() => HTMLElement} */ body) => body());

/** @param {EditorOptions} options @returns {Editor} */
function build({ label, value, findings = () => [], isReadOnly = () => false, rows = 24 }) {
  const at = signal({ line: 1, column: 1 });
  const lines = computed(() => count(value.value) + 1);
  const marks = computed(() => findings().filter((finding) => finding.line > 0).slice(0, marksMax));
  /** By line, the worst that was found there. */
  const worst = computed(() => {
    const map = new Map();
    for (const finding of marks.value) {
      if (map.get(finding.line)?.severity !== "error") map.set(finding.line, finding);
    }
    return map;
  });
  let mayLeave = false;
  /** @type {HTMLTextAreaElement} */
  let area;
  /** @type {HTMLElement} */
  let gutter;
  /** @type {HTMLElement} */
  let layer;

  const moved = () => { at.value = placeOf(area.value, area.selectionEnd); };
  const scrolled = () => {
    gutter.scrollTop = area.scrollTop;
    layer.style.setProperty("translate", `${-area.scrollLeft}px ${-area.scrollTop}px`);
  };
  /** @param {import("../data/text-places.js").Edit & {from?: number, to?: number}} edit */
  const apply = (edit) => {
    if (isReadOnly()) return;
    area.setSelectionRange(edit.start, edit.end);
    // The only way that the browser's own undo hears of; the other one is for where it is gone.
    if (!document.execCommand("insertText", false, edit.text)) area.setRangeText(edit.text, edit.start, edit.end,
      "end");
    if (edit.from !== undefined) area.setSelectionRange(edit.from, edit.to ?? edit.from);
    value.value = area.value;
    moved();
  };
  const jump = (/** @type {number} */ line, /** @type {number} */ column) => {
    const offset = offsetOf(area.value, line, column);
    area.focus();
    area.setSelectionRange(offset, offset);
    area.scrollTop = Math.max(0, (line - 1) * linePixels - area.clientHeight / 2);
    moved();
  };
  const step = (/** @type {number} */ direction) => {
    const places = marks.value.map((mark) => ({ ...mark, offset: offsetOf(area.value, mark.line, mark.column) }))
      .sort((a, b) => a.offset - b.offset);
    const here = area.selectionEnd;
    const next = direction > 0 ? places.find((place) => place.offset > here) ?? places[0]
      : [...places].reverse().find((place) => place.offset < here) ?? places[places.length - 1];
    if (next) jump(next.line, next.column);
  };

  const pressed = (/** @type {KeyboardEvent} */ event) => {
    const { selectionStart: start, selectionEnd: end } = area;
    const isMod = event.ctrlKey || event.metaKey;
    if (event.key === "Tab" && !mayLeave && !isReadOnly() && !isMod && !event.altKey) {
      apply(indent(area.value, start, end, event.shiftKey));
    } else if (event.key === "Enter" && start === end && !isMod && !event.shiftKey && !event.isComposing) {
      const text = lineEnd(area.value, start);
      apply({ start, end, text, from: start + text.length });
    } else if (event.key === "/" && isMod) apply(comment(area.value, start, end));
    else if (event.key === "F8") step(event.shiftKey ? -1 : 1);
    else {
      mayLeave = event.key === "Escape" || (mayLeave && event.key === "Shift");
      if (event.key === "Escape") event.stopPropagation();
      return;
    }
    event.preventDefault();
    event.stopPropagation();
  };

  const hint = `editor-hint-${Math.random().toString(36).slice(2, 8)}`;
  const element = /** @type {HTMLElement} */ (html`<div class="editor" style:--editor-rows=${String(rows)}
      style:--editor-digits=${() => String(String(lines.value).length)}>
    <div class="editor-gutter" aria-hidden="true" ref=${(/** @type {any} */ made) => { gutter = made; }}>
      <pre class="editor-numbers">${() => Array.from({ length: lines.value }, (_, index) => index + 1).join("\n")}</pre>
      ${each(() => [...worst.value.values()], (finding) => finding.line, (finding) => html`<span
        class=${() => `editor-flag is-${finding.value.severity}`} style:--line=${() => String(finding.value.line - 1)}
        title=${() => plain(finding.value.message)}>${() => (finding.value.severity === "error" ? "✕" : "!")}</span>`)}
    </div>
    <div class="editor-body">
      <div class="editor-layer" aria-hidden="true" ref=${(/** @type {any} */ made) => { layer = made; }}>
        <span class="editor-line" style:--line=${() => String(at.value.line - 1)}></span>
        ${each(() => marks.value, (mark) => `${mark.line}:${mark.column}:${mark.message}`, (mark) => html`<span
          class=${() => `editor-mark is-${mark.value.severity}`} style:--line=${() => String(mark.value.line - 1)}><span
          class="editor-before">${() => parts(value.value, mark.value)[0]}</span><span class="editor-wave">${() =>
          parts(value.value, mark.value)[1]}</span></span>`)}
      </div>
      <textarea class="editor-text" wrap="off" spellcheck="false" autocapitalize="off" autocomplete="off"
        aria-label=${label} aria-describedby=${hint} aria-invalid=${() => (marks.value.some((mark) =>
          mark.severity === "error") ? "true" : null)} readonly=${() => isReadOnly()}
        ref=${(/** @type {any} */ made) => { area = made; }} .value=${value} @keydown=${pressed}
        @input=${() => { value.value = area.value; moved(); }} @keyup=${moved} @click=${moved} @select=${moved}
        @scroll=${scrolled} @focus=${() => { mayLeave = false; }}></textarea>
    </div>
    <div class="editor-foot"><span class="num">Line ${() => at.value.line}, column ${() => at.value.column}</span>
      <span class="grow"></span><span id=${hint}>Tab indents · Esc, then Tab leaves · F8 next finding</span></div>
  </div>`);
  effect(() => {
    lines.value;
    queueMicrotask(scrolled);
  });
  return { element, jump };
}

/**
 * What stands before a mark on its line, and the word that it marks.
 * @param {string} text @param {Finding} mark
 * @returns {[string, string]}
 */
function parts(text, mark) {
  const start = offsetOf(text, mark.line, 1);
  const begin = offsetOf(text, mark.line, mark.column);
  const rest = text.slice(begin, begin + 200).split("\n")[0];
  return [text.slice(start, begin), /^["']?[\w.$-]+["']?|^\S/.exec(rest)?.[0] ?? " "];
}
