// How a picture is moved by hand: dragged, moved by the wheel, zoomed by it and by two fingers.
// @ts-check
import { onEnd } from "../../core/signal.js";
import { zoomAt } from "../../data/viewport.js";

/** How much a wheel's turn zooms. */
const wheelZoom = 0.0016;

/**
 * Moves by dragging and the wheel, zooms by the wheel with Ctrl and by two fingers.
 * @param {HTMLElement} area
 * @param {() => import("../../data/viewport.js").View} get
 * @param {(view: import("../../data/viewport.js").View) => void} set
 * @param {() => void} onMove
 */
export function follow(area, get, set, onMove) {
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();
  let isDragging = false;
  const at = (/** @type {MouseEvent} */ event) => {
    const box = area.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  area.addEventListener("wheel", (event) => {
    event.preventDefault();
    onMove();
    const unit = event.deltaMode === 1 ? 20 : 1;
    const { x, y } = at(event);
    // A touchpad moves with two fingers and zooms with Ctrl; a wheel's large steps zoom.
    const isZoom = event.ctrlKey || event.metaKey || (event.deltaX === 0 && Math.abs(event.deltaY * unit) >= 50);
    if (isZoom) set(zoomAt(get(), Math.exp(-event.deltaY * unit * wheelZoom * (event.ctrlKey ? 4 : 1)), x, y));
    else set({ ...get(), x: get().x - event.deltaX * unit, y: get().y - event.deltaY * unit });
  }, { passive: false });
  area.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, at(event));
    isDragging = false;
  });
  area.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    // The button was let go where nobody heard of it.
    if (event.buttons === 0) return end(event);
    const now = at(event);
    if (!isDragging && pointers.size === 1 && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
    if (!isDragging) {
      isDragging = true;
      area.setPointerCapture(event.pointerId);
      area.classList.add("is-dragging");
    }
    onMove();
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x,
        before.y - other.y));
      set(zoomAt(get(), factor, (now.x + other.x) / 2, (now.y + other.y) / 2));
    } else set({ ...get(), x: get().x + now.x - before.x, y: get().y + now.y - before.y });
    pointers.set(event.pointerId, now);
  });
  const end = (/** @type {PointerEvent} */ event) => {
    pointers.delete(event.pointerId);
    if (pointers.size === 0) area.classList.remove("is-dragging");
  };
  // Before it is a dragging the pointer is not the area's: it may be let go anywhere.
  addEventListener("pointerup", end);
  addEventListener("pointercancel", end);
  onEnd(() => {
    removeEventListener("pointerup", end);
    removeEventListener("pointercancel", end);
  });
  // What was dragged is not clicked.
  area.addEventListener("click", (event) => {
    if (isDragging) event.stopImmediatePropagation();
    isDragging = false;
  }, { capture: true });
}
