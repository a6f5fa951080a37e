// The Runboard: a session's lanes as columns, live, with everything that can be done to them.
// @ts-check
import { plain, plural } from "../core/format.js";
import { each, html } from "../core/html.js";
import { bind } from "../core/keys.js";
import { navigate } from "../core/router.js";
import { kept } from "../core/settings.js";
import { computed, effect, flush, signal, untracked } from "../core/signal.js";
import { part, url } from "../data/api.js";
import { isCut, neighbour, shifted } from "../data/board.js";
import { mayRun } from "../data/me.js";
import { resource } from "../data/resource.js";
import { errorPanel, once, placeholder, sentence } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { menuButton } from "../parts/menu.js";
import { pageHead } from "../parts/page.js";
import { openPalette } from "../parts/shell.js";
import { say } from "../parts/toast.js";
import { linkID } from "./board/card.js";
import { dragging } from "./board/drag.js";
import { laneColumn } from "./board/lane.js";
import { boardModel } from "./board/model.js";
import { verbsOf } from "./board/verbs.js";

/** @typedef {import("./board/model.js").BoardModel} Model */

const remembered = kept("board.session", "");
const dialogs = () => import("./board/dialogs.js");
const sessionDialogs = () => import("../parts/session-dialogs.js");
/** Sessions that the switcher lists. */
const switchMax = 20;

/**
 * The page.
 * @param {import("../core/router.js").PageContext} context
 */
export default function boardPage({ params }) {
  const given = params.id ?? null;
  const session = signal(given ?? (remembered.peek() || null));
  const active = resource(() => "/v1/sessions?status=active&limit=100", { every: 10_000 });
  const model = boardModel(() => session.value);
  effect(() => follow(given, session, active, model));
  const firstRun = runEver(active, model);
  const docked = signal(/** @type {string | null} */ (null));
  /** @type {Element | null} */
  let strip = null;
  const drag = dragging(model, () => strip);
  const verbs = verbsOf(model, { ...drag, openLog: (run) => { docked.value = run; } });
  keys(model, verbs, docked);
  const onRun = async () => {
    session.value ??= "default";
    await active.refresh();
    model.source.refresh();
  };
  const hasAnswer = () => model.source.error.value || active.error.value || isEmptyRoom(active);
  const hasLanes = () => (model.shown.value?.lanes.length ?? 0) > 0;
  return html`<div class="page is-board">
    ${head(model, active, session)}
    ${notes(model)}
    ${once(() => firstRun.isMissing.value, () => lazily(async () => {
      const { onboarding } = await import("./board/onboarding.js");
      return () => onboarding({ lanes: () => model.shown.value?.lanes.map((lane) => lane.name) ?? [], hasRun: () =>
        !firstRun.isMissing.value, onRun });
    }), () => html`
      ${once(() => model.shown.value !== null, () => html`
        <div class="lanes" ref=${(/** @type {Element} */ element) => { strip = element; }}>
          ${each(() => model.shown.value?.lanes, (lane) => lane.id, (lane) => laneColumn(lane, model, verbs,
            drag.target))}
          ${once(hasLanes, () => null, () => html`<p class="lane-empty">This session has no lane yet.</p>`)}
        </div>`, () => (hasAnswer() ? null : placeholder()))}`)}
    ${() => {
      const run = docked.value;
      return run === null ? null : untracked(() => lazily(async () => {
        const { logDock } = await import("./board/dock.js");
        return () => logDock(run, model, () => { docked.value = null; });
      }));
    }}
    <span class="sr" role="status">${() => model.said.value}</span>
  </div>`;
}

/** @param {import("../data/resource.js").Resource<any>} active */
const isEmptyRoom = (active) => active.data.value?.sessions.length === 0;

/**
 * A part whose module is loaded when it is shown.
 * @param {() => Promise<() => any>} load
 */
function lazily(load) {
  const body = signal(/** @type {(() => any) | null} */ (null));
  load().then((value) => { body.value = value; }, (error) => { body.value = () => errorPanel(error); });
  return html`${() => {
    const draw = body.value;
    return draw ? untracked(draw) : null;
  }}`;
}

/**
 * Without a session in the address: the one last looked at while it is active, else the newest active one.
 * @param {string | null} given @param {import("../core/signal.js").Signal<string | null>} session
 * @param {import("../data/resource.js").Resource<any>} active @param {Model} model
 */
function follow(given, session, active, model) {
  const shown = model.shown.value;
  if (shown?.session.status === "active") remembered.value = shown.session.name;
  if (given !== null) return;
  const isGone = model.source.error.value?.status === 404 || (shown !== null && shown.session.status !== "active");
  const newest = active.data.value?.sessions[0]?.name ?? null;
  if (active.data.value && (session.value === null || (isGone && newest !== session.peek()))) session.value = newest;
}

/**
 * Whether there was ever a run, asked only while the board has none.
 * @param {import("../data/resource.js").Resource<any>} active @param {Model} model
 */
function runEver(active, model) {
  const isQuiet = computed(() => {
    const shown = model.shown.value;
    if (shown) return shown.session.status === "active" && shown.lanes.every((lane) =>
      lane.cards.length + lane.recent.length + lane.queued === 0);
    return isEmptyRoom(active);
  });
  const runs = resource(() => (isQuiet.value ? "/v1/runs?limit=1" : null), { every: 2000 });
  // What is known to be so stays until something else is known: nothing flashes while it is asked.
  return { isMissing: computed(() => isQuiet.value && runs.data.value?.runs.length === 0) };
}

/**
 * @param {Model} model @param {import("../data/resource.js").Resource<any>} active
 * @param {import("../core/signal.js").Signal<string | null>} session
 */
function head(model, active, session) {
  const name = computed(() => model.shown.value?.session.name ?? session.value ?? "");
  const refresh = () => {
    active.refresh();
    model.source.refresh();
  };
  const make = async () => {
    const made = await (await sessionDialogs()).newSession();
    if (made) navigate(`/ui/sessions/${part(made)}`);
  };
  const addLane = async () => {
    const lanes = model.shown.peek()?.lanes.map((lane) => lane.name) ?? [];
    const { freeLane } = await sessionDialogs();
    if (await (await dialogs()).addLane(name.peek(), freeLane(lanes))) refresh();
  };
  /** @type {typeof import("../parts/session-dialogs.js") | null} */
  let ready = null;
  const loadVerbs = async () => { ready = await sessionDialogs(); };
  const switcher = menuButton({ label: "Another session", icon: "chevron-down", items: () => {
    const others = (active.data.peek()?.sessions ?? []).filter((/** @type {any} */ one) => one.name !== name.peek());
    return [
      ...others.slice(0, switchMax).map((/** @type {any} */ one) => ({
        text: `${plain(one.name, 64)}${one.open_runs > 0 ? ` · ${one.open_runs}` : ""}`, icon: "sessions",
          href: `/ui/sessions/${part(one.name)}` })),
      others.length > 0 && null,
      { text: "All sessions", icon: "right", href: "/ui/sessions?status=all" },
      { text: "Archived ones", icon: "archive", href: "/ui/sessions?status=archived" },
      mayRun.peek() && { text: "New session…", icon: "plus", run: make },
    ];
  } });
  const hasSession = () => model.shown.value !== null;
  const may = () => mayRun.value && model.isOpen.value;
  return pageHead({
    title: () => plain(name.value, 64) || "Runboard",
    note: html`${switcher}${once(hasSession, () => html`
      <span class="board-intent clip muted" title=${() => plain(model.shown.value?.session.intent ?? "", 1000)}>${() =>
        plain(model.shown.value?.session.intent ?? "", 200)}</span>
      <a class="count-badge board-waiting" href=${() => url("/ui/runs", { session: name.value, status: "waiting" })}
        title="They wait for an approval, or for somebody who looks how a step ended" hidden=${() => (model.shown.value?.waiting ??
        0) === 0}>${() =>
        `${model.shown.value?.waiting ?? 0}${model.shown.value?.waiting_is_more ? "+" : ""} ${
          model.shown.value?.waiting === 1 ? "waits" : "wait"} for people`}</a>`)}`,
    actions: html`
      ${once(hasSession, () => html`<a class="board-open num" href=${() => url("/ui/runs", { session: name.value,
        status: "open" })}>${() =>
        `${plural(model.shown.value?.session.open_runs ?? 0, "open run").replace(" ",
          model.shown.value?.session.open_runs_is_more ? "+ " : " ")}`}</a>`)}
      ${once(may, () => html`<button class="button" @click=${addLane}>${icon("plus")} Lane</button>
        <button class="button is-primary" @click=${() => openPalette("run ")}>${icon("play")} Run</button>`)}
      ${once(() => mayRun.value && hasSession() && model.shown.value?.session.status !== "archived", () => {
        const shown = menuButton({ label: "Session", items: () => {
          const now = model.shown.peek()?.session;
          return [{ text: "New session…", icon: "plus", run: make }, null, ...(now && ready ? ready.sessionVerbs(now,
            refresh) : [])];
        } });
        // Loaded when somebody comes near it, so that it is there when it is pressed.
        shown.addEventListener("pointerenter", loadVerbs, { once: true });
        shown.addEventListener("focus", loadVerbs, { once: true });
        // A finger comes near it and presses it at once.
        shown.addEventListener("click", async (/** @type {Event} */ event) => {
          if (ready) return;
          event.stopImmediatePropagation();
          await loadVerbs();
          shown.click();
        }, { capture: true });
        return shown;
      })}`,
  });
}

/**
 * What has to be said of the whole session.
 * @param {Model} model
 */
function notes(model) {
  return html`
    ${() => {
      const error = model.source.error.value;
      if (!error) return null;
      if (error.status === 404) {
        return html`<section class="empty"><h2>There is no such session</h2>
          <p>The address may be mistyped, or it never was.</p>
          <a class="button" href="/ui/sessions">All sessions</a></section>`;
      }
      if (model.shown.peek() === null) return errorPanel(error, () => model.source.refresh());
      return html`<div class="stale-strip"
        role="status">${icon("warning")} Not up to date: ${plain(sentence(error))}</div>`;
    }}
    ${() => {
      const session = model.shown.value?.session;
      if (!session || session.status === "active") return null;
      return html`<div class="board-note"
        role="note">${icon("archive")} <span>This session is <b>${session.status}</b>: its board can be read,
        and takes no runs.</span><span class="grow"></span><a href="/ui">To an active one</a></div>`;
    }}
    ${() => {
      const paused = model.shown.value?.session.paused;
      return paused && model.isOpen.value ? html`<div class="board-note tone-blocked" role="note"><span class="sign"
        aria-hidden="true">‖</span>
        <span class="clip">The session is paused by ${plain(paused.by, 40)}${paused.reason ? `: ${plain(paused.reason,
          200)}` : ""}</span></div>` : null;
    }}`;
}

/**
 * The keyboard.
 * @param {Model} model @param {import("./board/verbs.js").Verbs} verbs
 * @param {import("../core/signal.js").Signal<string | null>} docked
 */
function keys(model, verbs, docked) {
  /** @param {string | null} run */
  const go = (run) => {
    if (run === null) return;
    model.chosen.value = run;
    const found = model.find(run);
    if (found && !found.isRecent) model.columns.get(found.lane.id)?.reveal(run);
    flush();
    const link = document.getElementById(linkID(run));
    link?.focus({ preventScroll: true });
    link?.closest(".lane")?.scrollIntoView({ block: "nearest", inline: "nearest" });
    if (found?.isRecent) link?.scrollIntoView({ block: "nearest" });
  };
  const move = (/** @type {"up" | "down" | "left" | "right"} */ way) => go(neighbour(model.arranged(),
    model.chosen.peek(), way));
  /** @param {string} run @param {"up" | "down" | "left" | "right"} way */
  const stuck = (run, way) => {
    const found = model.find(run);
    if (way !== "down" || found?.card.status !== "queued" || !isCut(found.lane)) return;
    say("What is queued below is not shown here: “To the end” in the card’s menu moves it last");
  };
  const shift = (/** @type {"up" | "down" | "left" | "right"} */ way) => {
    const board = model.shown.peek();
    const run = model.chosen.peek();
    if (!board || !run || !mayRun.peek() || !model.isOpen.peek()) return;
    const wanted = shifted(board, run, way);
    if (!wanted) return void stuck(run, way);
    model.moveCard(wanted);
    go(run);
  };
  for (const [way, letter] of /** @type {["up" | "down" | "left" | "right", string][]} */ (
    [["left", "h"], ["down", "j"], ["up", "k"], ["right", "l"]])) {
    bind(`arrow${way}`, "", () => move(way));
    bind(letter, `The card ${way === "up" ? "above" : way === "down" ? "below" : `to the ${way}`}`, () => move(way));
    bind(`shift+arrow${way}`, way === "up" || way === "down" ? `Move the queued card ${way}`
      : `Move the queued card to the lane at the ${way}`,
      () => shift(way));
  }
  bind("x", "Cancel the run", () => verbs.cancel(model.chosen.peek()));
  bind("r", "Retry the run", () => verbs.retry(model.chosen.peek()));
  bind("o", "Its log below", () => { docked.value = docked.peek() === model.chosen.peek() ? null
    : model.chosen.peek(); });
  bind("p", "Pause the card's lane, or have it go on", () => {
    if (!mayRun.peek() || !model.isOpen.peek()) return;
    const lane = model.find(model.chosen.peek())?.lane;
    if (lane) model.holdLane(lane);
    else say("No lane was paused: choose one of its cards first");
  });
}
