// What can be done to a run on the board, by its menu, by keys and by dragging.
// @ts-check
import { mayRun } from "../../data/me.js";
import { navigate } from "../../core/router.js";
import { copy } from "../../parts/copy.js";

/**
 * @typedef {import("../../data/board.js").Card} Card
 * @typedef {import("./model.js").BoardModel} Model
 * @typedef {ReturnType<typeof verbsOf>} Verbs
 */

/** The dialogs are loaded when the first is wanted. */
const dialogs = () => import("./dialogs.js");

/**
 * @param {Model} model
 * @param {{grab: (event: PointerEvent, card: Card) => void, still: (event: Event) => void,
 *   dragged: import("../../core/signal.js").Readable<string | null>,
 *   openLog: (run: string) => void}} parts
 */
export function verbsOf(model, { grab, still, dragged, openLog }) {
  const verbs = {
    dragged, openLog, still,
    /** @param {PointerEvent} event @param {Card} card */
    grab(event, card) {
      if (mayRun.peek() && model.isOpen.peek()) grab(event, card);
    },
    /** @param {Card} card */
    async decide(card) {
      (await dialogs()).decide(card, () => model.source.refresh());
    },
    /**
     * Asks before a run is ended.
     * @param {string | null} run
     */
    async cancel(run) {
      const found = model.find(run);
      if (!found || found.isRecent || !mayRun.peek()) return;
      if (await (await dialogs()).cancelRun(found.card)) model.ask(found.card.id);
    },
    /** @param {string | null} run */
    retry(run) {
      const found = model.find(run);
      if (found?.isRecent && found.card.status !== "succeeded" && mayRun.peek() &&
        model.isOpen.peek()) model.retry(found.card);
    },
    /** @param {string} run @param {boolean} isFirst */
    toEnd(run, isFirst) {
      const found = model.find(run);
      if (!found) return;
      const first = found.lane.cards.find((card) => card.status === "queued" && card.id !== run)?.id ?? null;
      model.moveCard({ run, lane: found.lane.id, before: isFirst ? first : null });
    },
    /**
     * The entries of a card's menu.
     * @param {string} run @returns {import("../../parts/menu.js").MenuItem[]}
     */
    items(run) {
      const found = model.find(run);
      if (!found) return [];
      const { card, isRecent } = found;
      const isQueued = card.status === "queued";
      const may = mayRun.peek() && model.isOpen.peek();
      const isHeld = card.paused_by !== null;
      return [
        { text: "Open", icon: "right", href: `/ui/runs/${card.id}` },
        { text: "Log below", icon: "runs", run: () => openLog(card.id) },
        { text: "Copy its id", icon: "link", run: () => copy(card.id) },
        may && isQueued && null,
        may && isQueued && { text: "To the front", icon: "up", run: () => verbs.toEnd(run, true) },
        may && isQueued && { text: "To the end", icon: "down", run: () => verbs.toEnd(run, false) },
        may && null,
        may && !isRecent && { text: isHeld ? "Resume" : "Hold before the next step", icon: isHeld ? "play" : "pause",
          run: () => model.holdRun(card) },
        may && !isRecent && { text: "Cancel…", icon: "stop", isDangerous: true, run: () => verbs.cancel(run) },
        may && isRecent && { icon: "retry",
          text: card.status === "succeeded" ? "Run again…" : "Retry from what failed",
          run: () => (card.status === "succeeded" ? navigate(`/ui/runs/${card.id}`) : model.retry(card)) },
      ];
    },
  };
  return verbs;
}
