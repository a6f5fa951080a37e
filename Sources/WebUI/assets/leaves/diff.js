// Two texts beside each other or one below the other: what went, what came, which words changed.
// @ts-check
import { count, plainLines } from "../core/format.js";
import { html } from "../core/html.js";
import { leaf } from "../core/leaf.js";
import { kept } from "../core/settings.js";
import { computed, signal } from "../core/signal.js";
import { diffLines, folded, sides, words } from "../data/diff.js";

/** @typedef {import("../data/diff.js").DiffLine} DiffLine */

const isSplit = kept("diff.split", false);
/** Equal lines around a change, and lines at once. */
const around = 3;
const rowsMax = 3000;

/** @template T @param {T | (() => T)} value @returns {T} */
const read = (value) => (typeof value === "function" ? /** @type {any} */ (value)() : value);

/**
 * @param {{before: string | (() => string), after: string | (() => string), names?: [string, string]}} options
 */
function body({ before, after, names = ["before", "after"] }) {
  const diff = computed(() => diffLines(read(before), read(after)));
  const isWhole = signal(false);
  const rows = signal(rowsMax);
  return html`<div class="diff">
    <div class="diff-bar">
      <span class="diff-count is-new num">+${() => count(diff.value.added)}</span><span
        class="diff-count is-gone num">−${() => count(diff.value.gone)}</span>
      <span class="muted small">${names[0]} → ${names[1]}</span>
      ${() => (diff.value.isRough ? html`<span class="muted small">Too much changed to say it line by line.</span>`
        : null)}
      <span class="grow"></span>
      <label class="check small"><input type="checkbox" .checked=${isWhole} @change=${(/** @type {any} */ event) => {
        isWhole.value = event.target.checked;
      }}>All lines</label>
      <div class="segments" role="group" aria-label="Layout">
        <button type="button" aria-pressed=${() => String(!isSplit.value)} @click=${() => { isSplit.value =
          false; }}>Unified</button>
        <button type="button" aria-pressed=${() => String(isSplit.value)} @click=${() => { isSplit.value =
          true; }}>Side by side</button>
      </div>
    </div>
    ${() => {
      if (diff.value.added === 0 && diff.value.gone === 0 && !isWhole.value) return html`<p
        class="muted">Nothing differs.</p>`;
      const all = diff.value.lines;
      const stretches = isWhole.value ? [{ kind: "lines", lines: all }] : folded(all, around);
      const body = document.createElement("div");
      let left = rows.value;
      for (const stretch of /** @type {import("../data/diff.js").Stretch[]} */ (stretches)) {
        if (left <= 0) break;
        if (stretch.kind === "gap") {
          body.append(fold(all.slice(stretch.from, stretch.from + stretch.count)));
        } else {
          body.append(...draw(stretch.lines.slice(0, left), isSplit.value));
          left -= stretch.lines.length;
        }
      }
      body.className = isSplit.value ? "diff-lines is-split" : "diff-lines";
      return html`<div class="diff-scroll" tabindex="0" role="region" aria-label="Differences">${body}</div>${left <= 0
        && all.length > rows.value
        ? html`<button type="button" class="button" @click=${() => { rows.value += rowsMax; }}>Show more</button>`
          : null}`;
    }}
  </div>`;
}

export const diffView = leaf("oc-diff", body);

/**
 * Equal lines that are left out until they are asked for.
 * @param {DiffLine[]} lines
 */
function fold(lines) {
  const button = document.createElement("button");
  button.type = "button";
  button.className = "diff-gap";
  button.textContent = `⋯ ${count(lines.length)} equal lines`;
  button.addEventListener("click", () => button.replaceWith(...draw(lines.slice(0, rowsMax), isSplit.peek())));
  return button;
}

/**
 * @param {DiffLine[]} lines
 * @param {boolean} isBeside
 */
function draw(lines, isBeside) {
  const rows = sides(lines);
  if (isBeside) {
    return rows.map(({ left, right }) => {
      const row = document.createElement("div");
      row.className = "diff-pair";
      const parts = left && right && left !== right ? words(left.text, right.text) : null;
      row.append(line(left, parts?.before, "before"), line(right, parts?.after, "after"));
      return row;
    });
  }
  /** @type {HTMLElement[]} */
  const made = [];
  /** @type {HTMLElement[]} */
  let added = [];
  for (const { left, right } of rows) {
    const isSame = left !== null && left === right;
    if (isSame || left === null || right === null) {
      if (isSame) made.push(...added.splice(0));
      if (left) made.push(line(left, undefined, "both"));
      else if (right) added.push(line(right, undefined, "both"));
      continue;
    }
    const parts = words(left.text, right.text);
    made.push(line(left, parts.before, "both"));
    added.push(line(right, parts.after, "both"));
  }
  made.push(...added);
  return made;
}

/**
 * @param {DiffLine | null} shown
 * @param {{text: string, isMarked: boolean}[] | undefined} parts
 * @param {"before" | "after" | "both"} side
 */
function line(shown, parts, side) {
  const row = document.createElement("div");
  row.className = `diff-line is-${shown?.kind ?? "none"}`;
  const number = (/** @type {number | null | undefined} */ value) => {
    const cell = document.createElement("span");
    cell.className = "diff-number";
    cell.textContent = value ? String(value) : "";
    return cell;
  };
  if (side !== "after") row.append(number(shown?.before));
  if (side !== "before") row.append(number(shown?.after));
  const sign = document.createElement("span");
  sign.className = "diff-sign";
  sign.textContent = shown?.kind === "gone" ? "−" : shown?.kind === "new" ? "+" : "";
  const text = document.createElement("span");
  text.className = "diff-text";
  for (const { text: piece, isMarked } of parts ?? [{ text: shown?.text ?? "", isMarked: false }]) {
    if (!isMarked) text.append(plainLines(piece));
    else {
      const mark = document.createElement("mark");
      mark.textContent = plainLines(piece);
      text.append(mark);
    }
  }
  row.append(sign, text);
  return row;
}
