// A board's state: fetched, patched by events at once, moved by hand before the node has said yes.
// @ts-check
import { computed, effect, onEnd, signal, untracked } from "../../core/signal.js";
import { get, make, part, patch, post, url } from "../../data/api.js";
import { apply, cardsWanted, layout, merge, moved, wishOf } from "../../data/board.js";
import { resource } from "../../data/resource.js";
import { interest, listen } from "../../data/stream.js";
import { attempt, fail } from "../../parts/toast.js";

/**
 * @typedef {import("../../data/board.js").Board} Board
 * @typedef {import("../../data/board.js").Card} Card
 * @typedef {import("../../data/board.js").Lane} Lane
 * @typedef {{move: import("../../data/board.js").Move, settledAt: number}} OpenMove
 * @typedef {{reveal: (run: string) => void, place: () => {scroller: Element, list: Element}}} Column
 * @typedef {ReturnType<typeof boardModel>} BoardModel
 */

/** What changes nothing that a card shows. */
const quiet = new Set(["step.output", "step.verified", "artifact.stored", "run.progress", "signal.taken"]);
/** Events that are laid over an answer that may be older than they. */
const eventsMax = 500;
/** An answer may have been read this long before it was asked for here: the node keeps boards for a moment. */
const graceMilliseconds = 150;
/** Between two drawings of events at least. */
const patchMilliseconds = 90;
/** From so many cards a lane on events only patch, and what they cannot say is fetched once a second. */
const cardsOften = 120;

/**
 * The board of a session; everything of it ends with the present owner.
 * @param {() => string | null} session Its name.
 */
export function boardModel(session) {
  const board = signal(/** @type {Board | null} */ (null));
  const moves = signal(/** @type {OpenMove[]} */ ([]));
  const seen = signal(0);
  const wanted = computed(() => cardsWanted(seen.value));
  const asked = signal(/** @type {Set<string>} */ (new Set()));
  const chosen = signal(/** @type {string | null} */ (null));
  const said = signal("");
  /** Attempts that were asked to go again: the next is another one. */
  const retried = signal(/** @type {Set<string>} */ (new Set()));
  /** @type {{at: number, event: any}[]} */
  let late = [];
  /** @type {{at: number, event: any}[]} */
  let fresh = [];
  let patchedAt = 0;
  /** @type {Map<number, number>} */
  const depths = new Map();
  /** @type {Map<number, Column>} */
  const columns = new Map();

  const isOurs = (/** @type {any} */ event) =>
    !quiet.has(event.type) && Boolean(board.peek()?.lanes.some((lane) => lane.id === event.lane));
  const source = resource(() => {
    const name = session();
    return name === null ? null : url(`/v1/sessions/${part(name)}/board`, { cards: wanted.value });
  }, {
    every: 1000, gapMilliseconds: 100,
    on: (event) => isOurs(event) && wanted.peek() <= cardsOften,
    fetch: async (path, abort) => {
      const begun = performance.now();
      return { document: await get(path, { signal: abort }), begun };
    },
  });
  effect(() => {
    const name = session();
    if (name !== null) interest(name);
  });
  effect(() => {
    const got = source.data.value;
    untracked(() => (got ? take(got) : (board.value = null)));
  });
  listen((event) => {
    if (!isOurs(event)) return;
    fresh.push({ at: performance.now(), event });
    if (fresh.length > 1) return;
    // The first is shown at once; when many come, a few times a second is what eyes can follow.
    const wait = patchedAt + patchMilliseconds - performance.now();
    if (wait <= 0) queueMicrotask(patchAll);
    else timer = setTimeout(patchAll, wait);
  });
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  onEnd(() => clearTimeout(timer));

  /** @param {{document: Board, begun: number}} got */
  function take({ document, begun }) {
    late = late.filter((one) => one.at >= begun - graceMilliseconds);
    board.value = merge(board.peek(), late.reduce((result, one) => apply(result, one.event), document));
    const left = moves.peek().filter((one) => one.settledAt > begun);
    if (left.length !== moves.peek().length) moves.value = left;
  }
  function patchAll() {
    const events = fresh;
    fresh = [];
    patchedAt = performance.now();
    late = [...late, ...events].slice(-eventsMax);
    const known = board.peek();
    if (known) board.value = events.reduce((result, one) => apply(result, one.event), known);
  }

  /** As it is shown: with the moves that are under way. */
  const shown = computed(() => {
    const known = board.value;
    return known === null ? null : moves.value.reduce((result, one) => moved(result, one.move), known);
  });
  const alive = computed(() => {
    // While the node cannot be asked, no pulse is shown: nobody knows.
    if (source.error.value) return "";
    const names = (shown.value?.nodes ?? []).filter((node) => node.lease_ms > 0).map((node) => node.name);
    return names.join("\n");
  });
  const isOpen = computed(() => shown.value?.session.status === "active");

  /** @param {string | null} run @returns {{card: Card, lane: Lane, isRecent: boolean} | null} */
  function find(run) {
    for (const lane of shown.peek()?.lanes ?? []) {
      const card = lane.cards.find((one) => one.id === run);
      if (card) return { card, lane, isRecent: false };
      const recent = lane.recent.find((one) => one.id === run);
      if (recent) return { card: recent, lane, isRecent: true };
    }
    return null;
  }

  /**
   * Moves a queued card at once, and back where the node refuses.
   * @param {import("../../data/board.js").Move} move
   */
  async function moveCard(move) {
    const before = shown.peek();
    if (!before) return;
    const wish = wishOf(before, move);
    const open = { move, settledAt: Infinity };
    moves.value = [...moves.peek(), open];
    try {
      await patch(`/v1/runs/${move.run}`, wish);
      open.settledAt = performance.now();
      const lane = before.lanes.find((one) => one.id === move.lane);
      said.value = `Moved in lane ${lane?.name}${move.before ? "" : ", to its end"}`;
      source.refresh();
    } catch (error) {
      moves.value = moves.peek().filter((one) => one !== open);
      fail(error);
    }
  }

  return {
    shown, source, chosen, said, asked, alive, isOpen, columns, find, moveCard,
    /**
     * How deep into a lane's queue somebody looks.
     * @param {number} lane @param {number} depth
     */
    see(lane, depth) {
      depths.set(lane, depth);
      seen.value = Math.max(0, ...depths.values());
    },
    /**
     * Makes a lane's place known until the present owner ends.
     * @param {number} lane @param {Column} column
     */
    keep(lane, column) {
      columns.set(lane, column);
      onEnd(() => {
        columns.delete(lane);
        depths.delete(lane);
      });
    },
    /** Each lane's cards as they are shown. */
    arranged: () => (shown.peek()?.lanes ?? []).map((lane) => ({ cards: layout(lane.cards).cards,
      recent: lane.recent })),
    /**
     * Marks a run as asked to end.
     * @param {string} run
     */
    ask(run) {
      asked.value = new Set([...asked.peek(), run]);
      source.refresh();
    },
    /**
     * Has a run go again, from what did not succeed.
     * @param {Card} card
     */
    async retry(card) {
      const key = attemptOf(card);
      if (retried.peek().has(key)) return;
      retried.value = new Set([...retried.peek(), key]);
      const made = await attempt(() => make(`/v1/runs/${card.id}/retry`, {}),
        card.failed_step ? `Runs again from ${card.failed_step}` : "Runs again");
      if (!made) retried.value = new Set([...retried.peek()].filter((one) => one !== key));
      source.refresh();
    },
    /**
     * Whether a run was asked to go again and has not yet.
     * @param {Card} card
     */
    isRetried: (card) => retried.value.has(attemptOf(card)),
    /**
     * Pauses a run, or has it go on.
     * @param {Card} card
     */
    async holdRun(card) {
      const verb = card.paused_by === null ? "pause" : "resume";
      await attempt(() => post(`/v1/runs/${card.id}/${verb}`), verb === "pause" ? "Held before its next step"
        : "Goes on");
      source.refresh();
    },
    /**
     * Pauses a lane, or has it take runs again.
     * @param {Lane} lane
     */
    async holdLane(lane) {
      const name = session();
      if (name === null) return;
      const verb = lane.paused ? "resume" : "pause";
      await attempt(() => post(`/v1/sessions/${part(name)}/lanes/${part(lane.name)}/${verb}`),
        lane.paused ? `Lane ${lane.name} takes runs again` : `Lane ${lane.name} takes no more runs`);
      source.refresh();
    },
  };
}

/** @param {Card} card */
const attemptOf = (card) => `${card.id} ${card.attempt}`;
