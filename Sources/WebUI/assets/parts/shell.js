// The frame around every page: top bar, navigation, the stream's state, keys that work everywhere.
// @ts-check
import { now } from "../core/clock.js";
import { html, nodesOf } from "../core/html.js";
import { bind } from "../core/keys.js";
import { navigate, path } from "../core/router.js";
import { isNavigationWide, theme } from "../core/settings.js";
import { Scope, computed, effect, onEnd, signal, untracked } from "../core/signal.js";
import { duration } from "../core/format.js";
import { me } from "../data/me.js";
import { state as streamState, statusWord } from "../data/stream.js";
import { waiting } from "../data/waiting.js";
import { errorPanel, placeholder, reload } from "./error.js";
import { icon } from "./icon.js";

/** @type {{href: string, name: string, icon: string, key: string, pages: string[]}[]} */
const places = [
  { href: "/ui", name: "Runboard", icon: "board", key: "b", pages: ["board"] },
  { href: "/ui/runs", name: "Runs", icon: "runs", key: "r", pages: ["run", "bulk"] },
  { href: "/ui/approvals", name: "Approvals", icon: "approvals", key: "a", pages: [] },
  { href: "/ui/sessions", name: "Sessions", icon: "sessions", key: "s", pages: [] },
  { href: "/ui/templates", name: "Templates", icon: "templates", key: "t", pages: ["template", "plan"] },
  { href: "/ui/schedules", name: "Schedules", icon: "schedules", key: "h", pages: [] },
  { href: "/ui/cluster", name: "Cluster", icon: "cluster", key: "c", pages: [] },
  { href: "/ui/metrics", name: "Metrics", icon: "metrics", key: "m", pages: [] },
  { href: "/ui/settings", name: "Settings", icon: "settings", key: ",", pages: [] },
];

/**
 * The frame with the present page in it.
 * @param {typeof import("../pages.js").pageOf} pageOf
 */
export function shell(pageOf) {
  const isMenuOpen = signal(false);
  for (const place of places) bind(`g ${place.key}`, `Go to ${place.name}`, () => navigate(place.href));
  bind("mod+k", "Command bar", () => openPalette(), { isGlobal: true });
  // What was pressed before anybody listened, kept by early.js.
  if (/** @type {any} */ (globalThis).opsroomKeys?.()) openPalette();
  bind("?", "Keys", async () => (await import("./keys-overlay.js")).openKeys());
  bind("[", "Narrow or widen the navigation", () => { isNavigationWide.value = !isNavigationWide.peek(); });
  effect(() => {
    path.value;
    isMenuOpen.value = false;
  });
  const isHere = (/** @type {typeof places[0]} */ place) => {
    const name = pageOf.found.value?.page.name ?? "";
    return pageOf.found.value?.page.pattern === place.href || place.name.toLowerCase() === name || place.pages.includes(name);
  };
  return html`<div class="shell" class:is-narrow=${() => !isNavigationWide.value} class:has-menu=${() => isMenuOpen.value}>
    <a class="skip-link" href="#main" @click=${skip}>Skip to the content</a>
    <header class="top">
      <button class="icon-button menu-button" aria-label="Menu" aria-expanded=${() => String(isMenuOpen.value)}
        @click=${() => { isMenuOpen.value = !isMenuOpen.peek(); }}>${icon("menu")}</button>
      <a class="brand" href="/ui" aria-label="Ops Control Room">
        <span class="brand-mark" aria-hidden="true"></span><span>Ops Control Room</span></a>
      <button class="command-button" @click=${() => openPalette()}>${icon("search")}
        <span class="grow">Search or run a command</span><kbd>${/Mac/.test(navigator.platform) ? "⌘" : "Ctrl"} K</kbd></button>
      <span class="grow"></span>
      ${streamBadge()}
      <button class="icon-button" aria-label="Theme" title=${() => `Theme: ${theme.value}`} @click=${turnTheme}>${icon("theme")}</button>
      <a class="who" href="/ui/settings" title="Settings">${icon("user")}<span>${() => me.value?.name ?? ""}</span></a>
    </header>
    <nav class="nav" aria-label="Pages">
      ${places.map((place) => html`<a href=${place.href} class="nav-link" class:is-here=${() => isHere(place)}
        aria-current=${() => (isHere(place) ? "page" : null)} title=${place.name}>
        ${icon(place.icon)}<span class="nav-word">${place.name}</span>
        ${place.name === "Approvals" ? html`<span class="count-badge" hidden=${() => waiting.value === ""}>${() =>
          waiting.value}<span class="sr"> waiting</span></span>` : null}</a>`)}
    </nav>
    <main id="main" class="main" tabindex="-1">${outlet(pageOf)}</main>
  </div>`;
}

/** @param {Event} event */
function skip(event) {
  event.preventDefault();
  document.getElementById("main")?.focus();
}

function turnTheme() {
  const order = ["system", "dark", "light"];
  theme.value = order[(order.indexOf(theme.peek()) + 1) % order.length];
}

/**
 * Opens the command bar; it is loaded when it is first wanted.
 * @param {string} [text] What stands in it.
 */
export async function openPalette(text = "") {
  const { open } = await import("./palette.js");
  open(text);
}

/** What the stream of events says of itself. */
function streamBadge() {
  const silence = computed(() => {
    const { status, since } = streamState.value;
    now.value; // Once a second; since when is told by this browser's clock, not by the node's.
    const seconds = Math.floor((Date.now() - since) / 1000);
    return ["live", "connecting", "polling"].includes(status) || seconds < 1 ? "" : ` ${duration(seconds * 1000)}`;
  });
  // A change is said aloud, the seconds are not.
  return html`<span class=${() => `stream-badge is-${streamState.value.status}`} title=${() =>
    (streamState.value.status === "polling" ? "There are too many lanes for one stream: what is shown is asked for every 5 s"
      : "The stream of live events from the node")}><span class="dot" aria-hidden="true"></span>
    <span class="stream-word"><span role="status">${statusWord}</span><span aria-hidden="true">${silence}</span></span></span>`;
}

/**
 * The present page; the one before stays until the next one is there.
 * @param {typeof import("../pages.js").pageOf} pageOf
 */
function outlet(pageOf) {
  const place = /** @type {HTMLElement} */ (html`<div class="outlet"></div>`);
  /** @type {Scope | null} */
  let scope = null;
  let shownFor = "";
  let turn = 0;
  let shown = false;
  const show = (/** @type {any} */ body) => {
    scope?.end();
    scope = new Scope();
    scope.run(() => place.replaceChildren(...nodesOf(body())));
  };
  effect(() => {
    const found = pageOf.found.value;
    const name = found ? `${found.page.name} ${JSON.stringify(found.params)}` : "none";
    if (name === shownFor) return;
    shownFor = name;
    const own = (turn += 1);
    untracked(async () => {
      if (!found) return show(notFound);
      const late = setTimeout(() => { if (own === turn) show(placeholder); }, 150);
      try {
        const module = await found.page.load();
        if (own !== turn) return;
        pageOf.title.value = "";
        show(() => module.default({ params: found.params }));
        // Where the link was is gone: whoever goes on by keys begins at the new page.
        if (shown && document.activeElement === document.body) document.getElementById("main")?.focus({ preventScroll: true });
        shown = true;
      } catch (error) {
        if (own !== turn) return;
        show(() => errorPanel(error, reload));
        reportError(error);
      } finally {
        clearTimeout(late);
      }
    });
  });
  onEnd(() => scope?.end());
  return place;
}

const notFound = () => html`<section class="empty"><h1>There is no such page</h1>
  <p>The address may be mistyped, or what it named is gone.</p><a class="button" href="/ui">To the Runboard</a></section>`;
