// Which of many numbered lines are meant, as ranges in order: how many, the nth, the next. Pure.
// @ts-check

/** Numbers from 1 as ranges in order and apart. Finding one among many ranges takes a few steps. */
export class Ranges {
  constructor() {
    /** @type {number[]} */
    this.starts = [];
    /** @type {number[]} */
    this.ends = [];
    /**
     * How many numbers stand before a range.
     * @type {number[]}
     */
    this.before = [];
  }

  /** @param {number} first @param {number} last Both are in it; nothing where `last` is before `first`. */
  static of(first, last) {
    return new Ranges().add(first, last);
  }

  /** @param {[number, number][]} pairs */
  static from(pairs) {
    const made = new Ranges();
    for (const [first, last] of pairs) made.add(first, last);
    return made;
  }

  /** How many numbers are in it. */
  get count() {
    const last = this.starts.length - 1;
    return last < 0 ? 0 : this.before[last] + this.ends[last] - this.starts[last] + 1;
  }

  /** The last number; 0 where there is none. */
  get last() {
    return this.ends[this.ends.length - 1] ?? 0;
  }

  /**
   * Adds numbers behind or at the end of those that are there.
   * @param {number} first @param {number} last
   * @returns {this}
   */
  add(first, last) {
    const at = this.ends.length - 1;
    if (at >= 0 && first <= this.ends[at] + 1) {
      this.ends[at] = Math.max(this.ends[at], last);
    } else if (last >= first) {
      this.before.push(this.count);
      this.starts.push(first);
      this.ends.push(last);
    }
    return this;
  }

  /**
   * The number at a place counted from 0; `null` outside.
   * @param {number} place
   */
  at(place) {
    if (place < 0 || place >= this.count) return null;
    const index = lastAtMost(this.before, place);
    return this.starts[index] + place - this.before[index];
  }

  /**
   * The place of a number, or where it would stand.
   * @param {number} number
   */
  placeOf(number) {
    const index = lastAtMost(this.starts, number);
    if (index < 0) return 0;
    return this.before[index] + Math.min(number - this.starts[index], this.ends[index] - this.starts[index] + 1);
  }

  /** @param {number} number */
  has(number) {
    const index = lastAtMost(this.starts, number);
    return index >= 0 && number <= this.ends[index];
  }

  /**
   * The first number behind another; `null` where there is none.
   * @param {number} number
   */
  next(number) {
    return this.at(this.placeOf(number + 1));
  }

  /**
   * The last number before another; `null` where there is none.
   * @param {number} number
   */
  previous(number) {
    return this.at(this.placeOf(number) - 1);
  }

  /**
   * The same with so many numbers around each, up to `max`.
   * @param {number} around @param {number} max
   */
  widened(around, max) {
    const made = new Ranges();
    for (let index = 0; index < this.starts.length; index += 1) {
      made.add(Math.max(1, this.starts[index] - around), Math.min(max, this.ends[index] + around));
    }
    return made;
  }
}

/**
 * The last place of a value that is at most `wanted`; -1 where there is none.
 * @param {number[]} values
 * @param {number} wanted
 */
function lastAtMost(values, wanted) {
  let low = 0;
  let high = values.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (values[middle] <= wanted) low = middle + 1;
    else high = middle;
  }
  return low - 1;
}
