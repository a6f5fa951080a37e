// Settings: who is signed in, how the page looks, and what an operator keeps an eye on: tokens, retention, limits.
// @ts-check
import { html } from "../core/html.js";
import { query } from "../core/router.js";
import { computed, untracked } from "../core/signal.js";
import { mayAdmin } from "../data/me.js";
import { icon } from "../parts/icon.js";
import { lazily } from "../parts/lazy.js";
import { pageHead } from "../parts/page.js";
import { you } from "./settings/you.js";

/** @type {{id: string, name: string, icon: string, needsAdmin?: boolean, body: () => any}[]} */
const sections = [
  { id: "you", name: "You and this browser", icon: "user", body: you },
  { id: "dead", name: "Dead letters", icon: "warning",
    body: () => lazily(() => import("./settings/dead.js"), (module) => module.dead()) },
  { id: "limits", name: "Limits", icon: "clock", body: () => lazily(() => import("./settings/limits.js"),
    (module) => module.limits()) },
  { id: "tokens", name: "Tokens", icon: "key", needsAdmin: true,
    body: () => lazily(() => import("./settings/tokens.js"), (module) => module.tokens()) },
  { id: "retention", name: "Retention", icon: "archive", needsAdmin: true,
    body: () => lazily(() => import("./settings/retention.js"), (module) => module.retention()) },
];

export default function settingsPage() {
  const shown = computed(() => sections.filter((section) => !section.needsAdmin || mayAdmin.value));
  const chosen = computed(() => shown.value.find((section) =>
    section.id === query.value.get("section")) ?? shown.value[0]);
  return html`<div class="page settings-page">${pageHead({ title: () => "Settings" })}
    <div class="settings-columns">
      <nav class="settings-nav" aria-label="Settings">${() => shown.value.map((section) => html`<a class="nav-link"
        class:is-here=${() => chosen.value === section} aria-current=${() => (chosen.value === section ? "page" : null)}
        href=${section.id === sections[0].id ? "/ui/settings" : `/ui/settings?section=${section.id}`}>${icon(
          section.icon)}<span>${section.name}</span></a>`)}</nav>
      <div class="settings-body">${() => {
        const section = chosen.value;
        return untracked(() => section.body());
      }}</div>
    </div></div>`;
}
