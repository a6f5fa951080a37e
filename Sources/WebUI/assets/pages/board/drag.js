// Dragging a queued card: where it would go, the card under the pointer, columns that scroll by themselves.
// @ts-check
import { onEnd, signal } from "../../core/signal.js";
import { heights, isCut, layout } from "../../data/board.js";

/**
 * @typedef {import("../../data/board.js").Card} Card
 * @typedef {{card: Card, x: number, y: number, dx: number, dy: number, ghost: HTMLElement}} Drag
 */

/** A mouse moves so far before it is a drag. */
const slackPixels = 5;
/** A finger rests so long before it is one. */
const pressMilliseconds = 350;
/** So near to an edge a column scrolls, so fast at most. */
const edgePixels = 56;
const scrollPixels = 14;

/**
 * @param {import("./model.js").BoardModel} model
 * @param {() => Element | null} strip What holds the lanes, which scrolls sideways.
 */
export function dragging(model, strip) {
  const dragged = signal(/** @type {string | null} */ (null));
  const target = signal(/** @type {{lane: number, y: number, before: string | null} | null} */ (null));
  /** @type {Drag | null} */
  let drag = null;
  /**
   * Ends what waits for the drag to begin.
   * @type {(() => void) | null}
   */
  let disarm = null;
  let frame = 0;

  /** @param {PointerEvent} event @param {Card} card */
  function grab(event, card) {
    if (event.button !== 0 || !event.isPrimary || drag) return;
    if (/** @type {Element} */ (event.target).closest("button")) return;
    const element = /** @type {HTMLElement} */ (event.currentTarget);
    const begin = { x: event.clientX, y: event.clientY };
    const isTouch = event.pointerType === "touch";
    disarm?.();
    const timer = isTouch ? setTimeout(() => lift(element, card, begin), pressMilliseconds) : undefined;
    const away = (/** @type {PointerEvent} */ move) => {
      if (Math.hypot(move.clientX - begin.x, move.clientY - begin.y) < slackPixels) return;
      disarm?.();
      if (!isTouch) lift(element, card, begin, move);
    };
    const over = () => disarm?.();
    addEventListener("pointermove", away);
    addEventListener("pointerup", over);
    addEventListener("pointercancel", over);
    disarm = () => {
      clearTimeout(timer);
      removeEventListener("pointermove", away);
      removeEventListener("pointerup", over);
      removeEventListener("pointercancel", over);
      disarm = null;
    };
  }

  /**
   * @param {HTMLElement} element @param {Card} card @param {{x: number, y: number}} begin
   * @param {PointerEvent} [event]
   */
  function lift(element, card, begin, event) {
    disarm?.();
    if (!element.isConnected) return;
    const box = element.getBoundingClientRect();
    const ghost = /** @type {HTMLElement} */ (element.cloneNode(true));
    ghost.querySelectorAll("[id]").forEach((inner) => inner.removeAttribute("id"));
    ghost.classList.add("drag-ghost");
    ghost.setAttribute("aria-hidden", "true");
    ghost.style.width = `${box.width}px`;
    document.body.append(ghost);
    drag = { card, x: event?.clientX ?? begin.x, y: event?.clientY ?? begin.y, dx: begin.x - box.left,
      dy: begin.y - box.top, ghost };
    dragged.value = card.id;
    document.documentElement.classList.add("is-dragging");
    addEventListener("pointermove", move);
    addEventListener("pointerup", drop);
    addEventListener("pointercancel", cancel);
    addEventListener("keydown", escape, true);
    addEventListener("contextmenu", hold);
    step();
  }

  const hold = (/** @type {Event} */ event) => event.preventDefault();
  const escape = (/** @type {KeyboardEvent} */ event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    cancel();
  };
  const move = (/** @type {PointerEvent} */ event) => {
    if (!drag) return;
    drag.x = event.clientX;
    drag.y = event.clientY;
  };

  /** Once a frame while something is dragged: first all that is read, then what is written. */
  function step() {
    if (!drag) return;
    const { x, y } = drag;
    const sideways = strip();
    const outer = sideways?.getBoundingClientRect();
    const found = aim(x, y);
    if (outer && sideways) sideways.scrollLeft += speed(x, outer.left, outer.right);
    if (found) found.scroller.scrollTop += speed(y, found.top, found.bottom);
    drag.ghost.style.transform = `translate(${x - drag.dx}px, ${y - drag.dy}px)`;
    const next = found?.target ?? null;
    const known = target.peek();
    if (next?.lane !== known?.lane || next?.y !== known?.y || next?.before !== known?.before) target.value = next;
    frame = requestAnimationFrame(step);
  }

  /** @param {number} at @param {number} from @param {number} to */
  function speed(at, from, to) {
    if (at < from + edgePixels) return -Math.ceil(scrollPixels * Math.min(1, (from + edgePixels - at) / edgePixels));
    return at > to - edgePixels ? Math.ceil(scrollPixels * Math.min(1, (at - to + edgePixels) / edgePixels)) : 0;
  }

  /**
   * The place under the pointer.
   * @param {number} x @param {number} y
   */
  function aim(x, y) {
    for (const lane of model.shown.peek()?.lanes ?? []) {
      const place = model.columns.get(lane.id)?.place();
      if (!place) continue;
      const box = place.scroller.getBoundingClientRect();
      if (x < box.left || x > box.right) continue;
      const { cards, tops, height } = layout(lane.cards);
      const first = cards.findIndex((card) => card.status === "queued");
      const queue = first < 0 ? [] : cards.slice(first);
      const begin = first < 0 ? height : tops[first];
      const last = isCut(lane) ? Math.max(0, queue.length - 1) : queue.length;
      const inside = y - place.list.getBoundingClientRect().top - begin;
      const index = Math.max(0, Math.min(last, Math.round(inside / heights.queued)));
      const own = queue[index]?.id === drag?.card.id ? index + 1 : index;
      return {
        scroller: place.scroller, top: box.top, bottom: box.bottom,
        target: { lane: lane.id, y: begin + index * heights.queued, before: queue[own]?.id ?? null },
      };
    }
    return null;
  }

  function drop() {
    const wanted = target.peek();
    const held = drag?.card;
    // The click that ends a drag opens nothing.
    const swallow = (/** @type {Event} */ event) => {
      event.preventDefault();
      event.stopPropagation();
    };
    addEventListener("click", swallow, { capture: true, once: true });
    setTimeout(() => removeEventListener("click", swallow, { capture: true }), 0);
    cancel();
    if (!held || !wanted) return;
    const found = model.find(held.id);
    if (!found || found.card.status !== "queued") return;
    const queue = layout(found.lane.cards).cards.filter((card) => card.status === "queued");
    const after = queue[queue.findIndex((card) => card.id === held.id) + 1]?.id ?? null;
    if (found.lane.id === wanted.lane && wanted.before === after) return;
    model.moveCard({ run: held.id, lane: wanted.lane, before: wanted.before });
  }

  function cancel() {
    disarm?.();
    if (!drag) return;
    cancelAnimationFrame(frame);
    drag.ghost.remove();
    drag = null;
    dragged.value = null;
    target.value = null;
    document.documentElement.classList.remove("is-dragging");
    removeEventListener("pointermove", move);
    removeEventListener("pointerup", drop);
    removeEventListener("pointercancel", cancel);
    removeEventListener("keydown", escape, true);
    removeEventListener("contextmenu", hold);
  }
  onEnd(cancel);
  return {
    grab, dragged, target,
    /**
     * Keeps a finger that drags from scrolling; it must listen before the finger comes down.
     * @param {Event} event
     */
    still(event) {
      if (drag && event.cancelable) event.preventDefault();
    },
  };
}
