// Tabs whose choice stands in the address: a link leads to the same view.
// @ts-check
import { html } from "../core/html.js";
import { query, setQuery } from "../core/router.js";
import { computed, untracked } from "../core/signal.js";

/**
 * @typedef {{id: string, name: string, key?: string, count?: () => number | null, body: () => any}} Tab
 */

/**
 * Tabs with the chosen one's body below; the first is shown where the address names none.
 * @param {{tabs: Tab[], label: string, name?: string, className?: string}} options `name` is the query's member.
 */
export function tabbed({ tabs, label, name = "tab", className = "" }) {
  const chosen = computed(() => {
    const wanted = query.value.get(name);
    return tabs.find((tab) => tab.id === wanted) ?? tabs[0];
  });
  const choose = (/** @type {string} */ id) => setQuery({ [name]: id === tabs[0].id ? null : id });
  const move = (/** @type {KeyboardEvent} */ event) => {
    const by = event.key === "ArrowRight" ? 1 : event.key === "ArrowLeft" ? -1 : 0;
    if (by === 0) return;
    event.preventDefault();
    event.stopPropagation();
    const next = tabs[(tabs.indexOf(chosen.peek()) + by + tabs.length) % tabs.length];
    choose(next.id);
    document.getElementById(`tab-${name}-${next.id}`)?.focus();
  };
  return html`<div class=${`tabbed ${className}`}>
    <div class="tabs" role="tablist" aria-label=${label} @keydown=${move}>${tabs.map((tab) => html`<button
      type="button" role="tab" class="tab"
      id=${`tab-${name}-${tab.id}`} aria-controls=${`panel-${name}`} aria-selected=${() => String(chosen.value === tab)}
      tabindex=${() => (chosen.value === tab ? "0" : "-1")} @click=${() => choose(tab.id)}>${tab.name}${
        tab.count ? html`<span class="muted num">${() => tab.count?.() || ""}</span>` : null}</button>`)}</div>
    <div class="tab-panel" role="tabpanel" id=${`panel-${name}`}
      aria-labelledby=${() => `tab-${name}-${chosen.value.id}`}>
      ${() => {
        const tab = chosen.value;
        return untracked(() => tab.body());
      }}</div>
  </div>`;
}
