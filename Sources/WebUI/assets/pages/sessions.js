// All sessions: what each is for, how it stands, what may be done with it, and a new one.
// @ts-check
import { count, plain } from "../core/format.js";
import { each, html } from "../core/html.js";
import { bind } from "../core/keys.js";
import { navigate, query, setQuery } from "../core/router.js";
import { computed, effect, onEnd, signal, untracked } from "../core/signal.js";
import { part, url } from "../data/api.js";
import { firstRows } from "../data/collect.js";
import { mayRun } from "../data/me.js";
import { resource } from "../data/resource.js";
import { empty } from "../parts/empty.js";
import { loaded, once } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { menuButton } from "../parts/menu.js";
import { pageHead } from "../parts/page.js";
import { chip } from "../parts/status.js";
import { timeAgo } from "../parts/time.js";

const statuses = ["active", "completed", "cancelled", "archived"];
const pageRows = 50;
const typingMilliseconds = 250;

/** The page. */
export default function sessionsPage() {
  const status = computed(() => query.value.get("status") ?? "active");
  const text = computed(() => query.value.get("text") ?? "");
  const pages = signal(1);
  effect(() => {
    // Before the list is asked for: another filter begins at its first page.
    status.value;
    text.value;
    pages.value = 1;
  });
  const first = resource(() => url("/v1/sessions", { status: status.value === "all" ? "" : status.value,
    text: text.value, limit: pages.value * pageRows }), { every: 5000, on: (event) =>
    /^run\.(started|succeeded|failed|cancelled|timed_out)$/.test(event.type),
    gapMilliseconds: 2000, fetch: firstRows("sessions") });
  const rows = computed(() => /** @type {any[]} */ (first.data.value?.sessions ?? []));
  const isMore = computed(() => Boolean(first.data.value?.next));
  const isComing = () => first.isLoading.value && rows.value.length < pages.value * pageRows;
  const make = async () => {
    const { newSession } = await import("../parts/session-dialogs.js");
    const name = await newSession();
    if (name) navigate(`/ui/sessions/${part(name)}`);
  };
  bind("n", "New session", () => { if (mayRun.peek()) make(); });
  bind("/", "Find a session", () => field?.focus());
  /** @type {HTMLInputElement | null} */
  let field = null;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  onEnd(() => clearTimeout(timer));
  const type = (/** @type {any} */ event) => {
    clearTimeout(timer);
    const { value } = event.target;
    timer = setTimeout(() => setQuery({ text: value.trim() }), typingMilliseconds);
  };
  return html`<div class="page is-sessions">
    ${pageHead({ title: () => "Sessions",
      actions: once(() => mayRun.value, () => html`<button class="button is-primary"
        @click=${make}>${icon("plus")} New session</button>`) })}
    <div class="row filters">
      <div class="segments" role="group" aria-label="Status">${[...statuses, "all"].map((one) => html`<button
        type="button"
        aria-pressed=${() => String(status.value === one)} @click=${() => setQuery({ status: one === "active" ? null
          : one })}>${
        one[0].toUpperCase() + one.slice(1)}</button>`)}</div>
      <input class="input find" type="search" placeholder="Name or intent" aria-label="Find a session"
        .value=${untracked(() => text.value)}
        ref=${(/** @type {HTMLInputElement} */ element) => { field = element; }} @input=${type}>
    </div>
    ${loaded(first, () => once(() => rows.value.length > 0, () => table(rows, first), () => nothing(status, text,
      make)))}
    ${once(() => isMore.value && rows.value.length > 0, () => html`<div><button class="button" disabled=${isComing}
      @click=${() => { pages.value += 1; }}>Show more</button></div>`)}
  </div>`;
}

/**
 * @param {import("../core/signal.js").Readable<any[]>} rows
 * @param {import("../data/resource.js").Resource<any>} first
 */
const table = (rows, first) => html`<div class="table-wrap"><table class="table">
  <thead><tr><th>Session</th><th>Status</th><th>For</th><th class="is-number">Lanes</th><th
    class="is-number">Open runs</th><th>Created</th>
    <th class="is-actions"><span class="sr">Actions</span></th></tr></thead>
  <tbody>${each(() => rows.value, (row) => row.name, (row) => html`<tr>
    <td><a href=${`/ui/sessions/${part(row.peek().name)}`}><b>${plain(row.peek().name, 64)}</b></a></td>
    <td>${chip(() => (row.value.paused && row.value.status === "active" ? "paused" : row.value.status))}</td>
    <td class="session-intent"><span class="clip" title=${() => plain(row.value.intent, 1000)}>${() =>
      plain(row.value.intent, 200) || "–"}</span></td>
    <td class="is-number">${() => count(row.value.lanes)}</td>
    <td class="is-number">${() => (row.value.open_runs > 0 ? html`<a href=${url("/ui/runs", { session: row.value.name,
      status: "open" })}>${
      count(row.value.open_runs)}</a>` : "0")}</td>
    <td>${timeAgo(() => row.value.created_at)}</td>
    <td class="is-actions">${verbs(row, first)}</td></tr>`)}</tbody></table></div>`;

/** @param {import("../core/signal.js").Readable<any>} row @param {import("../data/resource.js").Resource<any>} first */
function verbs(row, first) {
  const open = html`<a class="button is-small" href=${`/ui/sessions/${part(row.peek().name)}`}>Board</a>`;
  return html`<span class="row session-verbs">${open}${once(() => mayRun.value && row.value.status !== "archived",
    () => {
    // The menu's entries are loaded with the first glance at the list, not with the first page.
    /** @type {typeof import("../parts/session-dialogs.js") | null} */
    let dialogs = null;
    import("../parts/session-dialogs.js").then((module) => { dialogs = module; });
    return menuButton({ label: `Actions for ${plain(row.peek().name, 64)}`,
      items: () => dialogs?.sessionVerbs(row.peek(), () => first.refresh()) ?? [] });
  })}</span>`;
}

/**
 * @param {import("../core/signal.js").Readable<string>} status
 * @param {import("../core/signal.js").Readable<string>} text @param {() => void} make
 */
function nothing(status, text, make) {
  if (text.value) return empty({ title: "No session fits", text: "Another text, or another status, may find it.",
    action: html`<button class="button" @click=${() => setQuery({ text: null,
      status: "all" })}>Look in all of them</button>` });
  if (status.value === "archived") return empty({ title: "Nothing is archived",
    text: "A session without open runs can be archived: its board stays readable here." });
  if (status.value !== "active" && status.value !== "all") return empty({ title: `No session is ${status.value}` });
  return empty({ title: "No session yet",
    text: "A session is a group of lanes for one purpose; each lane goes through its queue by itself.",
    action: mayRun.value ? html`<button class="button" @click=${make}>New session</button>` : null,
      command: "opsroom sessions create NAME" });
}
