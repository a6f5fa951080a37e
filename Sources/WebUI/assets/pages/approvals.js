// The page of what waits for a person: the most urgent first, decided in place.
// @ts-check
import { present } from "../core/clock.js";
import { plural } from "../core/format.js";
import { each, html } from "../core/html.js";
import { bind } from "../core/keys.js";
import { query, setQuery } from "../core/router.js";
import { effect, signal } from "../core/signal.js";
import { byUrgency, keyOf } from "../data/approvals.js";
import { url } from "../data/api.js";
import { waitingList } from "../data/waiting.js";
import { approvalCard } from "../parts/approval.js";
import { empty } from "../parts/empty.js";
import { loaded } from "../parts/error.js";
import { pageHead } from "../parts/page.js";

export default function approvalsPage() {
  const isForAll = () => query.value.get("all") === "1";
  const list = waitingList(() => url("/v1/approvals", { all: isForAll() }), { every: 10_000 });
  /** Those that were decided here: gone before the node says so. */
  const decided = signal(/** @type {Set<string>} */ (new Set()));
  effect(() => {
    // Once the node lists them no more they need not be known.
    const listed = new Set((list.data.value?.approvals ?? []).map(keyOf));
    const left = [...decided.peek()].filter((key) => listed.has(key));
    if (list.data.value && left.length < decided.peek().size) decided.value = new Set(left);
  });
  const rows = () => byUrgency((list.data.value?.approvals ?? [])
    .filter((one) => !decided.value.has(keyOf(one))), present());
  bind("j", "Next approval", () => move(1));
  bind("k", "Approval before", () => move(-1));
  return html`<div class="page is-reading approvals-page">
    ${pageHead({
      title: () => "Approvals",
      note: html`<span class="muted" role="status">${() =>
        (list.data.value ? waiting(rows().length, list.data.value?.next ? "+" : "") : "")}</span>`,
      actions: html`<div class="segments" role="group" aria-label="Whose approvals">
        <button aria-pressed=${() => String(!isForAll())} @click=${() => setQuery({ all: null })}>For me</button>
        <button aria-pressed=${() => String(isForAll())}
          @click=${() => setQuery({ all: "1" })}>For anybody</button></div>`,
    })}
    ${loaded(list, () => html`
      <h2 class="sr">What waits</h2>
      <div class="approvals-list">${each(rows, keyOf, (one) => html`<div class="approvals-item"
        tabindex="-1">${approvalCard(() => /** @type {any} */ (one.value), {
        onDone: (receipt) => {
          if (receipt.decided) decided.value = new Set([...decided.peek(), keyOf(one.peek())]);
          list.refresh();
        },
      })}</div>`)}</div>
      ${() => (rows().length > 0 ? null : empty({
        title: isForAll() ? "Nothing waits for a person" : "Nothing waits for you",
        text: html`A step of kind <code>approval</code> stops its run until somebody has looked at it. Here is what it asks,
          the one whose time ends first on top; the count is in the navigation and in the title of the tab.`,
        action: isForAll() ? null : html`<button class="button"
          @click=${() => setQuery({ all: "1" })}>What waits for others</button>`,
        command: "opsroom approvals list",
      }))}
      ${() => (list.data.value?.next ? html`<p
        class="muted">More wait than are shown here; they come up when these are decided.</p>` : null)}`)}
  </div>`;
}

/** @param {number} many @param {string} more */
const waiting = (many, more) =>
  (many === 0 ? "" : `${plural(many, "step").replace(" ", `${more} `)} ${many === 1 ? "waits" : "wait"}`);

/**
 * Moves from card to card.
 * @param {number} by
 */
function move(by) {
  const cards = /** @type {HTMLElement[]} */ ([...document.querySelectorAll(".approvals-item")]);
  const at = cards.findIndex((card) => card.contains(document.activeElement));
  const next = cards[at < 0 ? 0 : Math.max(0, Math.min(cards.length - 1, at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}
