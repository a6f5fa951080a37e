// Shows a window of very many rows: which are drawn, where they lie, what scrolling means. Knows nothing of logs.
// @ts-check
import { anchorAt, heightOf, isExact, moved, topOf } from "../../data/scroll.js";

/**
 * A row that is drawn: `row` is the one it shows, `isMissing` that its content is not there yet.
 * @typedef {{element: HTMLElement, row: number, isMissing: boolean, [more: string]: any}} DrawnRow
 */

export const rowHeight = 18;
/** Rows that are drawn above and below what is seen. */
const overscan = 16;
/** Elements that are kept for later. */
const spareMax = 200;

export class Rows {
  /**
   * @param {{make: () => DrawnRow, draw: (drawn: DrawnRow) => void, onWindow: (first: number, last: number) => void,
   *   onScrolledUp: () => void, onEnd: () => void, label: string}} options
   *   `onWindow` hears which rows are drawn; `onScrolledUp` and `onEnd` hear what a person does.
   */
  constructor({ make, draw, onWindow, onScrolledUp, onEnd, label }) {
    this.make = make;
    this.drawRow = draw;
    this.onWindow = onWindow;
    this.onScrolledUp = onScrolledUp;
    this.onEnd = onEnd;
    this.count = 0;
    this.isWrapped = false;
    /** Whether the last row is kept in sight. */
    this.isAtEnd = false;
    this.anchor = { row: 0, offset: 0 };
    /** The height of a row where it has to be guessed. */
    this.guess = rowHeight;
    this.top = 0;
    this.width = 0;
    /** @type {Map<number, DrawnRow>} */
    this.drawn = new Map();
    /** @type {DrawnRow[]} */
    this.spare = [];
    this.body = document.createElement("div");
    this.body.className = "log-body";
    this.canvas = document.createElement("div");
    this.canvas.className = "log-canvas";
    this.canvas.append(this.body);
    this.scroller = document.createElement("div");
    this.scroller.className = "log-scroller";
    this.scroller.tabIndex = 0;
    this.scroller.setAttribute("role", "region");
    this.scroller.setAttribute("aria-label", label);
    this.scroller.append(this.canvas);
    this.scroller.addEventListener("scroll", () => this.scrolled(), { passive: true });
    this.resize = new ResizeObserver(() => this.resized());
    this.resize.observe(this.scroller);
  }

  end() {
    this.resize.disconnect();
  }

  get extent() {
    return { rows: this.count, rowHeight: this.isWrapped ? this.guess : rowHeight, view: this.view };
  }

  get view() {
    return this.scroller.clientHeight;
  }

  get isExact() {
    return !this.isWrapped && isExact(this.extent);
  }

  /** @param {number} count */
  setCount(count) {
    if (count === this.count) return;
    this.count = count;
    if (this.anchor.row >= count) this.anchor = { row: Math.max(0, count - 1), offset: 0 };
    this.draw();
  }

  /** @param {boolean} isWrapped */
  setWrapped(isWrapped) {
    if (isWrapped === this.isWrapped) return;
    this.isWrapped = isWrapped;
    this.scroller.classList.toggle("is-wrapped", isWrapped);
    this.remeasure();
  }

  /** Guesses anew how high a row is, and keeps the first row that is seen where it is. */
  remeasure() {
    this.guess = rowHeight;
    const anchor = this.anchor;
    this.draw();
    if (this.isWrapped && this.drawn.size > 0 && this.body.offsetHeight > 0) {
      this.guess = Math.max(rowHeight, this.body.offsetHeight / this.drawn.size);
    }
    if (!this.isAtEnd) this.anchor = anchor;
    this.draw();
  }

  resized() {
    if (this.view === 0) return;
    if (this.isWrapped && this.scroller.clientWidth !== this.width) this.remeasure();
    else this.draw();
    this.width = this.scroller.clientWidth;
  }

  /**
   * Brings a row into sight.
   * @param {number} row
   * @param {"start" | "center" | "nearest"} [where]
   */
  jump(row, where = "center") {
    const place = Math.max(0, Math.min(this.count - 1, row));
    this.isAtEnd = false;
    if (where === "nearest" && this.isSeen(place)) return;
    const above = where === "start" ? 0 : Math.max(0, (this.view - rowHeight) / 2);
    const first = place - Math.floor(above / rowHeight);
    this.anchor = first < 0 ? { row: 0, offset: 0 } : { row: first, offset: 0 };
    if (this.isExact) this.anchor = anchorAt(this.extent, topOf(this.extent, this.anchor));
    this.draw();
    if (!this.isWrapped) return;
    // Rows above it may be higher than guessed.
    const drawn = this.drawn.get(place);
    if (!drawn) return;
    const over = drawn.element.getBoundingClientRect().top - this.scroller.getBoundingClientRect().top - above;
    this.anchor = moved(this.anchor, over, (at) => this.heightOfRow(at), this.count);
    this.draw();
  }

  toStart() {
    this.isAtEnd = false;
    this.anchor = { row: 0, offset: 0 };
    this.draw();
  }

  toEnd() {
    this.isAtEnd = true;
    this.draw();
  }

  /** @param {number} row */
  isSeen(row) {
    const drawn = this.drawn.get(row);
    if (!drawn) return false;
    const seen = this.scroller.getBoundingClientRect();
    const own = drawn.element.getBoundingClientRect();
    return own.top >= seen.top && own.bottom <= seen.top + this.view;
  }

  /** @param {number} row */
  heightOfRow(row) {
    if (!this.isWrapped) return rowHeight;
    return this.drawn.get(row)?.element.offsetHeight ?? this.guess;
  }

  /** A person scrolled, or the browser did because of what was drawn. */
  scrolled() {
    const top = this.scroller.scrollTop;
    const by = top - this.top;
    if (Math.abs(by) < 1.5) return;
    const end = heightOf(this.extent) - this.view;
    const isUp = by < 0;
    if (this.isExact || Math.abs(by) > 3 * this.view || top <= 0) this.anchor = anchorAt(this.extent, top);
    else this.anchor = moved(this.anchor, by, (row) => this.heightOfRow(row), this.count);
    this.isAtEnd = !isUp && top >= end - 1;
    this.top = top;
    this.draw();
    if (isUp) this.onScrolledUp();
    else if (this.isAtEnd) this.onEnd();
  }

  /** Draws what is seen. */
  draw() {
    const { view, extent } = this;
    const height = heightOf(extent);
    this.canvas.style.height = `${height}px`;
    const seen = Math.ceil(view / rowHeight) + 1;
    if (this.isAtEnd && !this.isWrapped) {
      const all = this.count * rowHeight;
      const place = Math.max(0, all - view);
      this.anchor = { row: Math.floor(place / rowHeight), offset: place % rowHeight };
    }
    const isEnd = this.isAtEnd && this.isWrapped;
    const first = Math.max(0, (isEnd ? this.count - seen : this.anchor.row) - overscan);
    const last = Math.min(this.count, (isEnd ? this.count : this.anchor.row + seen) + overscan);
    this.fill(first, last);
    const top = this.isAtEnd ? Math.max(0, height - view) : this.topFor(extent);
    if (Math.abs(top - this.scroller.scrollTop) >= 1) this.scroller.scrollTop = top;
    this.top = this.scroller.scrollTop;
    this.place(isEnd, first, height);
    this.onWindow(first, last);
  }

  /**
   * Where the scroll bar has to be for the anchor.
   * @param {import("../../data/scroll.js").Extent} extent
   */
  topFor(extent) {
    const ideal = topOf(extent, this.anchor);
    if (this.isExact) return ideal;
    // The bar may be a little off where rows are guessed: it is left alone while a person scrolls.
    const isFar = Math.abs(ideal - this.top) > 2 * this.view;
    const isEdge = this.top <= 0 || this.top >= heightOf(extent) - this.view - 1;
    return isFar || isEdge || this.anchor.row === 0 ? ideal : this.top;
  }

  /** @param {boolean} isEnd @param {number} first @param {number} height */
  place(isEnd, first, height) {
    let y;
    if (isEnd) {
      y = Math.max(0, height - this.body.offsetHeight);
      let row = first;
      let place = y - this.top;
      while (row < this.count - 1 && place + this.heightOfRow(row) <= 0) {
        place += this.heightOfRow(row);
        row += 1;
      }
      this.anchor = { row, offset: Math.max(0, -place) };
    } else {
      let above = (this.anchor.row - first) * rowHeight;
      if (this.isWrapped) above = this.drawn.get(this.anchor.row)?.element.offsetTop ?? 0;
      y = this.top - this.anchor.offset - above;
    }
    this.body.style.transform = `translateY(${y}px)`;
  }

  /**
   * Has exactly these rows in the document, in order.
   * @param {number} first
   * @param {number} last
   */
  fill(first, last) {
    for (const [row, drawn] of this.drawn) {
      if (row >= first && row < last) continue;
      drawn.element.remove();
      this.drawn.delete(row);
      if (this.spare.length < spareMax) this.spare.push(drawn);
    }
    let next = this.body.firstChild;
    for (let row = first; row < last; row += 1) {
      const known = this.drawn.get(row);
      if (known) {
        next = known.element.nextSibling;
        continue;
      }
      const drawn = this.spare.pop() ?? this.make();
      drawn.row = row;
      this.drawRow(drawn);
      this.drawn.set(row, drawn);
      this.body.insertBefore(drawn.element, next);
    }
  }

  /**
   * Draws rows anew: all, or those whose content was not there.
   * @param {boolean} [onlyMissing]
   */
  redraw(onlyMissing = false) {
    let isChanged = false;
    for (const drawn of this.drawn.values()) {
      if (onlyMissing && !drawn.isMissing) continue;
      this.drawRow(drawn);
      isChanged = true;
    }
    if (isChanged && this.isWrapped) this.draw();
  }
}
