// A JSON value as a tree: unfolded where somebody looks, searched whole, never more rows than a page bears.
// @ts-check
import { count, plain, plainLines } from "../core/format.js";
import { each, html } from "../core/html.js";
import { leaf } from "../core/leaf.js";
import { computed, effect, signal, untracked } from "../core/signal.js";
import { writeExactly } from "../data/exact.js";
import { depthMax, isBranch, members, pathText, placeOf, search, sizeOf, summary, valueAt } from "../data/tree.js";
import { copy as copyText } from "../parts/copy.js";
import { openDialog } from "../parts/dialog.js";
import { icon } from "../parts/icon.js";
import { fail } from "../parts/toast.js";

/**
 * Which members of an open branch are shown; `to` is not.
 * @typedef {{from: number, to: number}} Window
 */
/**
 * A row of the tree; `left` says that it stands for members that are not shown yet, `isBefore` that they come before.
 * @typedef {{id: string, path: import("../data/tree.js").Path, depth: number, value: any, isOpen: boolean,
 *   left: number, isBefore: boolean}} TreeRow
 */

/** Rows at once, members of a branch at once, characters of a text in its row. */
const rowsMax = 2000;
const membersStep = 100;
/** @type {Window} */
const first = { from: 0, to: membersStep };
const textMax = 300;
const searchMilliseconds = 150;
let trees = 0;

/**
 * @param {() => any} value
 */
function body(value) {
  const tree = `tree-${(trees += 1)}`;
  const isOpen = signal(/** @type {Map<string, Window>} */ (new Map([["$", first]])));
  const active = signal("$");
  const text = signal("");
  const found = computed(() => (text.value ? search(value(), text.value) : { paths: [], isMore: false,
    isDeep: false }));
  const foundAt = signal(-1);
  const foundIDs = computed(() => new Set(found.value.paths.map(pathText)));
  // What is small is open.
  effect(() => {
    const now = value();
    if (!isBranch(now) || sizeOf(now) > 20) return;
    const open = new Map(untracked(() => isOpen.value));
    for (const { key, value: inner } of members(now, 0, 20)) {
      if (isBranch(inner) && sizeOf(inner) <= 10) open.set(pathText([key]), first);
    }
    isOpen.value = open;
  });
  const rows = computed(() => flat(value(), isOpen.value));
  const rowOf = (/** @type {string} */ id) => rows.peek().find((row) => row.id === id);

  const toggle = (/** @type {TreeRow} */ row) => {
    const next = new Map(isOpen.peek());
    if (row.left > 0) {
      const parent = pathText(row.path);
      const { from, to } = next.get(parent) ?? first;
      next.set(parent, row.isBefore ? { from: Math.max(0, from - membersStep), to } : { from, to: to + membersStep });
    } else if (!isBranch(row.value)) return showWhole(row);
    else if (next.has(row.id)) next.delete(row.id);
    else next.set(row.id, first);
    isOpen.value = next;
  };
  const go = (/** @type {number} */ by) => {
    const { paths } = found.peek();
    if (paths.length === 0) return;
    foundAt.value = (foundAt.peek() + by + paths.length) % paths.length;
    const path = paths[foundAt.peek()];
    const next = new Map(isOpen.peek());
    path.forEach((key, depth) => {
      const parent = pathText(path.slice(0, depth));
      const place = placeOf(valueAt(value(), path.slice(0, depth)), key);
      const open = next.get(parent);
      const from = Math.floor(place / membersStep) * membersStep;
      // Far from what is shown, the members around it are shown instead: never all of them.
      if (!open || place < open.from || place >= open.to) next.set(parent, { from, to: from + membersStep });
    });
    isOpen.value = next;
    reach(pathText(path));
  };
  const reach = (/** @type {string} */ id) => {
    active.value = id;
    requestAnimationFrame(() => document.getElementById(`${tree}-${id}`)?.scrollIntoView({ block: "nearest" }));
  };
  const move = (/** @type {KeyboardEvent} */ event) => {
    const at = rows.peek().findIndex((row) => row.id === active.peek());
    const row = rows.peek()[at];
    if (!row) return;
    if (event.key === "ArrowDown") reach(rows.peek()[Math.min(rows.peek().length - 1, at + 1)].id);
    else if (event.key === "ArrowUp") reach(rows.peek()[Math.max(0, at - 1)].id);
    else if (event.key === "ArrowRight" && isBranch(row.value) && !row.isOpen) toggle(row);
    else if (event.key === "ArrowLeft" && row.isOpen) toggle(row);
    else if (event.key === "ArrowLeft" && row.path.length > 0) reach(pathText(row.path.slice(0, -1)));
    else if (event.key === "Enter" || event.key === " ") toggle(row);
    else if (event.key === "c" && (event.ctrlKey || event.metaKey) && !getSelection()?.toString()) copy(row.value);
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class="json">
    ${bar({ text, found, foundAt, go, isOpen, value })}
    <div class="json-tree mono" role="tree" tabindex="0" aria-label="JSON" @keydown=${move}
      aria-activedescendant=${() => (rowOf(active.value) ? `${tree}-${active.value}` : null)}>
      ${each(() => rows.value, (row) => row.id, (row) => html`<div class="json-row" role="treeitem"
        id=${`${tree}-${row.peek().id}`}
        aria-level=${row.peek().depth + 1} style:--depth=${String(row.peek().depth)} class:is-active=${() =>
          active.value === row.value.id}
        class:is-found=${() => foundIDs.value.has(row.value.id)} aria-selected=${() => String(active.value ===
          row.value.id)}
        aria-expanded=${() => (isBranch(row.value.value) && row.value.left === 0 ? String(row.value.isOpen) : null)}
        @click=${() => {
          active.value = row.peek().id;
          if (isBranch(row.peek().value) || row.peek().left > 0) toggle(row.peek());
        }} @dblclick=${() => { if (!isBranch(row.peek().value)) toggle(row.peek()); }}>${() =>
          content(row.value)}</div>`)}
    </div>
    ${() => (found.value.isDeep ? html`<p
      class="muted small">What is nested deeper than ${count(depthMax)} levels is not searched.</p>` : null)}
    ${() => (rows.value.length >= rowsMax ? html`<p
      class="muted small">At most ${count(rowsMax)} rows are shown: fold what you do not need.</p>` : null)}
  </div>`;
}

export const jsonView = leaf("oc-json", body);

/** @param {any} options */
function bar({ text, found, foundAt, go, isOpen, value }) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  return html`<div class="json-bar">
    <input class="input" type="search" placeholder="Search names and values" aria-label="Search names and values"
      autocomplete="off"
      @input=${(/** @type {any} */ event) => {
        clearTimeout(timer);
        timer = setTimeout(() => {
          text.value = event.target.value.trim();
          foundAt.value = -1;
          go(1);
        }, searchMilliseconds);
      }} @keydown=${(/** @type {KeyboardEvent} */ event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        go(event.shiftKey ? -1 : 1);
      }}>
    <output class="muted small num" aria-live="polite">${() => (!text.value ? "" : found.value.paths.length === 0
      ? "nothing found"
      : `${count(foundAt.value + 1)} / ${count(found.value.paths.length)}${found.value.isMore ? "+" : ""}`)}</output>
    <button type="button" class="icon-button" aria-label="Previous match" title="Previous match (⇧Enter)"
      disabled=${() =>
      found.value.paths.length === 0} @click=${() => go(-1)}>${icon("up")}</button>
    <button type="button" class="icon-button" aria-label="Next match" title="Next match (Enter)" disabled=${() =>
      found.value.paths.length === 0} @click=${() => go(1)}>${icon("down")}</button>
    <span class="grow"></span>
    <button type="button" class="button is-small" @click=${() => { isOpen.value = new Map([["$",
      first]]); }}>Fold all</button>
    <button type="button" class="button is-small" @click=${() => copy(value())}>Copy all</button>
  </div>`;
}

/** @param {TreeRow} row */
function content(row) {
  if (row.left > 0) return html`<span class="json-more">… ${count(row.left)} ${row.isBefore ? "before"
    : "more"}: show ${count(Math.min(row.left, membersStep))}</span>`;
  const key = row.path[row.path.length - 1];
  const name = key === undefined ? null : html`<span class=${typeof key === "number" ? "json-index"
    : "json-key"}>${plain(String(key), textMax)}</span>`;
  const sign = isBranch(row.value) ? html`<span class="json-sign" aria-hidden="true">${row.isOpen ? "▾" : "▸"}</span>`
    : html`<span class="json-sign"></span>`;
  return html`${sign}${name}${name ? html`<span class="json-colon">:</span>` : null}${shownValue(row)}<button
    type="button"
    class="json-copy" tabindex="-1" title="Copy the path" aria-label="Copy the path" @click=${(/** @type {Event}
     *   */ event) => {
      event.stopPropagation();
      copyText(pathText(row.path), `Copied ${plain(pathText(row.path), 80)}`);
    }}>${icon("link")}</button>`;
}

/** @param {TreeRow} row */
function shownValue({ value, isOpen }) {
  if (isBranch(value)) return html`<span class="json-summary">${isOpen && sizeOf(value) > 0 ? (Array.isArray(value)
    ? "[" : "{") : summary(value)}</span>`;
  if (typeof value === "string") {
    const rest = value.length - textMax;
    return html`<span class="json-text">"${plain(value, textMax)}"${rest > 0
      ? html` <span class="json-more">${count(value.length)} characters</span>` : null}</span>`;
  }
  return html`<span class=${value === null ? "json-null" : "json-number"}>${String(value)}</span>`;
}

/**
 * The rows that stand there, in order.
 * @param {any} value
 * @param {Map<string, Window>} isOpen
 * @returns {TreeRow[]}
 */
function flat(value, isOpen) {
  /** @type {TreeRow[]} */
  const rows = [];
  /** @type {TreeRow[]} */
  const waiting = [{ id: "$", path: [], depth: 0, value, isOpen: false, left: 0, isBefore: false }];
  while (waiting.length > 0 && rows.length < rowsMax) {
    const row = /** @type {TreeRow} */ (waiting.pop());
    rows.push(row);
    const open = isOpen.get(row.id);
    if (row.left > 0 || open === undefined || !isBranch(row.value)) continue;
    row.isOpen = true;
    const size = sizeOf(row.value);
    const inner = { path: row.path, depth: row.depth + 1, value: null, isOpen: false };
    if (size > open.to) waiting.push({ ...inner, id: `${row.id} …`, left: size - open.to, isBefore: false });
    const shown = members(row.value, open.from, Math.min(open.to, open.from + rowsMax));
    for (let at = shown.length - 1; at >= 0; at -= 1) {
      const path = [...row.path, shown[at].key];
      waiting.push({ ...inner, id: pathText(path), path, value: shown[at].value, left: 0, isBefore: false });
    }
    if (open.from > 0) waiting.push({ ...inner, id: `… ${row.id}`, left: open.from, isBefore: true });
  }
  return rows;
}

/** @param {any} value */
function copy(value) {
  let text;
  try {
    text = typeof value === "string" ? value : writeExactly(value, 2);
  } catch {
    return fail({ message: "it is nested too deep to be written", next: "download it, or copy a part of it" });
  }
  return copyText(text);
}

/** @param {TreeRow} row */
function showWhole(row) {
  openDialog({
    title: plain(pathText(row.path), 80), className: "is-wide",
    body: () => html`<div class="dialog-body"><pre class="leaf-text" tabindex="0">${plainLines(typeof row.value ===
      "string"
      ? row.value.slice(0, 500_000) : String(row.value))}</pre>
      <footer class="dialog-foot"><button type="button" class="button" @click=${() =>
        copy(row.value)}>Copy the value</button></footer></div>`,
  });
}
