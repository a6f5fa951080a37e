// The lines of a log as far as they are known here: which are wanted, which are there, what is fetched next.
// @ts-check
import { Signal, onEnd, signal } from "../../core/signal.js";
import { ApiError, get, part, url } from "../../data/api.js";
import { Ranges } from "../../data/ranges.js";

/**
 * @typedef {{line: number, at: string, step: string, attempt: number, stream: string, level: string, text: string,
 *   truncated?: boolean}} LogLine
 * @typedef {import("./state.js").Search} Search
 */

/** Lines of one request. */
const pageLines = 500;
const filteredLines = 200;
/** What is kept at most: lines and characters. */
const keptLines = 40_000;
const keptCharacters = 32_000_000;
/** Requests for lines at once. */
const fetchesMax = 3;
/** Time between two looks at how a log has grown. */
const gapMilliseconds = 120;
const retryMilliseconds = 2000;
/** Answers of one scan; each is bounded by the node in time and ranges. */
const scanRounds = 500;

/** One run's log. It ends with its owner. */
export class LogStore {
  /** @param {string} run */
  constructor(run) {
    this.path = `/v1/runs/${part(run)}/log`;
    /** Lines of the log. */
    this.total = signal(0);
    /** Whether the node has said how many lines there are, and which of them the filter wants. */
    this.isLoaded = signal(false);
    /** Whether it is known where the log ends. */
    this.isCounted = signal(false);
    /** The lines that the filter wants. */
    this.wanted = new Ranges();
    /** The lines that the search found among them. */
    this.hits = new Ranges();
    /** Rises when `total`, `wanted` or `hits` changed. */
    this.changes = signal(0);
    /** Rises when lines came. */
    this.arrivals = signal(0);
    this.isSearching = signal(false);
    /**
     * Why lines are missing.
     * @type {Signal<ApiError | null>}
     */
    this.error = signal(/** @type {ApiError | null} */ (null));
    /**
     * Why nothing is found, as of a broken expression.
     * @type {Signal<ApiError | null>}
     */
    this.searchError = signal(/** @type {ApiError | null} */ (null));
    /** @type {Record<string, string>} */
    this.filter = {};
    /** @type {Search | null} */
    this.search = null;
    /** @type {Map<number, LogLine>} */
    this.lines = new Map();
    this.characters = 0;
    this.scannedTo = 0;
    this.searchedTo = 0;
    /** @type {Map<string, AbortController>} */
    this.fetches = new Map();
    /**
     * Requests that did not bring what was wanted, until when they are not sent again.
     * @type {Map<string, number>}
     */
    this.resting = new Map();
    this.scan = new AbortController();
    this.isScanning = false;
    this.isDirty = false;
    /** @type {ReturnType<typeof setTimeout> | undefined} */
    this.timer = undefined;
    this.isEnded = false;
    onEnd(() => {
      this.isEnded = true;
      clearTimeout(this.timer);
      this.scan.abort();
      for (const fetch of this.fetches.values()) fetch.abort();
    });
  }

  get isFiltered() {
    return Object.values(this.filter).some(Boolean);
  }

  /**
   * Asks for other lines.
   * @param {Record<string, string>} filter
   * @param {Search | null} search
   */
  ask(filter, search) {
    const isOther = JSON.stringify(filter) !== JSON.stringify(this.filter);
    if (isOther || !this.isLoaded.peek()) {
      this.filter = filter;
      this.wanted = new Ranges();
      this.scannedTo = 0;
      this.isLoaded.value = false;
      this.isCounted.value = false;
      for (const fetch of this.fetches.values()) fetch.abort();
    }
    this.search = search;
    this.hits = new Ranges();
    this.searchedTo = 0;
    this.searchError.value = null;
    this.resting.clear();
    this.scan.abort();
    this.scan = new AbortController();
    this.isScanning = false;
    this.changes.value = this.changes.peek() + 1;
    this.grow(0);
  }

  /**
   * Looks how the log has grown, a moment later: many lines are one look.
   * @param {number} [milliseconds]
   */
  grow(milliseconds = gapMilliseconds) {
    if (this.isEnded) return;
    if (this.isScanning) {
      this.isDirty = true;
      return;
    }
    // Lines that come without a pause must not put the look off again and again.
    if (this.timer !== undefined && milliseconds > 0) return;
    clearTimeout(this.timer);
    this.timer = setTimeout(() => this.look(), milliseconds);
  }

  async look() {
    const own = this.scan;
    this.timer = undefined;
    this.isScanning = true;
    this.isDirty = false;
    try {
      // The first lines are there at once, however long the log is; then it is counted.
      if (this.isFiltered) await this.scanWanted(own.signal);
      else await this.readOn(own.signal);
      this.isCounted.value = true;
      if (this.search && !this.searchError.peek()) await this.scanHits(own.signal);
      if (!own.signal.aborted) this.error.value = null;
    } catch (error) {
      if (own.signal.aborted) return;
      const known = this.tell(error);
      if (known.isTransient) this.isDirty = true;
      clearTimeout(this.timer);
      this.timer = known.isTransient ? setTimeout(() => this.look(), retryMilliseconds) : undefined;
      this.isScanning = known.isTransient;
      return;
    } finally {
      if (own === this.scan) this.isSearching.value = false;
    }
    if (own !== this.scan) return;
    this.isScanning = false;
    if (this.isDirty) this.grow();
  }

  /** @param {any} error @returns {ApiError} */
  tell(error) {
    const known = error instanceof ApiError ? error : new ApiError(0, { detail: String(error) });
    if (!(error instanceof ApiError)) reportError(error);
    this.error.value = known;
    return known;
  }

  /**
   * Which lines are wanted, behind those that were looked at.
   * @param {AbortSignal} abort
   */
  async scanWanted(abort) {
    for (let round = 0; round < scanRounds; round += 1) {
      const answer = await this.numbers(this.filter, this.scannedTo + 1, abort);
      if (this.isFiltered) for (const [first, last] of answer.ranges) this.wanted.add(first, last);
      if (!this.isFiltered) await this.readNew(answer.total, abort);
      this.scannedTo = answer.next === null ? answer.total : answer.next - 1;
      this.count(answer.total);
      this.isLoaded.value = true;
      if (answer.next === null) return;
    }
  }

  /**
   * The few lines that came while others were read, before they are counted: none of them shall stand there empty.
   * @param {number} total
   * @param {AbortSignal} abort
   */
  async readNew(total, abort) {
    const from = this.total.peek() + 1;
    if (total < from || total - from >= pageLines) return;
    const answer = await get(url(this.path, { from, count: pageLines }), { signal: abort });
    abort.throwIfAborted();
    this.take(answer.lines);
  }

  /**
   * Which lines fit the search, behind those that were looked at.
   * @param {AbortSignal} abort
   */
  async scanHits(abort) {
    const { text, isExpression, ignoresCase } = /** @type {Search} */ (this.search);
    const query = { ...this.filter, q: text, regex: isExpression ? "true" : "", ignore_case: ignoresCase ? "true"
      : "false" };
    for (let round = 0; round < scanRounds && this.searchedTo < this.total.peek(); round += 1) {
      this.isSearching.value = true;
      let answer;
      try {
        answer = await this.numbers(query, this.searchedTo + 1, abort);
      } catch (error) {
        if (!(error instanceof ApiError) || abort.aborted || error.isTransient) throw error;
        this.searchError.value = error;
        return;
      }
      for (const [first, last] of answer.ranges) this.hits.add(first, last);
      this.searchedTo = answer.next === null ? answer.total : answer.next - 1;
      this.count(answer.total);
      if (answer.next === null) return;
    }
  }

  /**
   * @param {Record<string, string>} query
   * @param {number} from
   * @param {AbortSignal} abort
   * @returns {Promise<{total: number, ranges: [number, number][], next: number | null}>}
   */
  async numbers(query, from, abort) {
    const answer = await get(url(`${this.path}/numbers`, { ...query, from }), { signal: abort });
    abort.throwIfAborted();
    return answer;
  }

  /**
   * The next lines of a log without a filter: their number and they themselves in one request.
   * @param {AbortSignal} abort
   */
  async readOn(abort) {
    const from = this.total.peek() + 1;
    const answer = await get(url(this.path, { from, count: pageLines }), { signal: abort });
    abort.throwIfAborted();
    this.take(answer.lines);
    this.count(answer.lines[answer.lines.length - 1]?.line ?? 0);
    this.isLoaded.value = true;
    if (answer.next === null || answer.next <= from) return;
    // The node ends an answer by its bytes and time, too: only `next` says whether more may be there. That is
    // counted, not fetched.
    this.scannedTo = answer.next - 1;
    await this.scanWanted(abort);
  }

  /** @param {number} total */
  count(total) {
    this.total.value = Math.max(total, this.total.peek());
    if (!this.isFiltered) this.wanted = Ranges.of(1, this.total.peek());
    this.changes.value = this.changes.peek() + 1;
  }

  /** @param {any[]} lines */
  take(lines) {
    for (const line of lines) {
      if (this.lines.has(line.line)) continue;
      this.lines.set(line.line, line);
      this.characters += line.text.length;
    }
    if (lines.length > 0) this.arrivals.value = this.arrivals.peek() + 1;
    if (this.lines.size <= keptLines && this.characters <= keptCharacters) return;
    for (const [number, line] of this.lines) {
      if (this.lines.size <= keptLines * 0.8 && this.characters <= keptCharacters * 0.8) return;
      this.lines.delete(number);
      this.characters -= line.text.length;
    }
  }

  /**
   * Fetches the lines of some rows that are not there; others that are under way and not wanted any more are given up.
   * @param {Ranges} shown The rows' lines.
   * @param {number} first
   * @param {number} last Exclusive.
   * @param {number | null} around Lines around what was found, where only that is shown.
   */
  want(shown, first, last, around) {
    /** Paths of requests, and the last line that each is to bring. @type {Map<string, number>} */
    const wanted = new Map();
    const size = around === null && !this.isFiltered ? pageLines : around ? 50 : filteredLines;
    for (let row = first; row < last; row += 1) {
      const line = shown.at(row);
      if (line === null || this.lines.has(line)) continue;
      const block = Math.floor((this.isFiltered || around !== null ? row : line - 1) / size);
      const from = this.isFiltered || around !== null ? shown.at(block * size) : block * size + 1;
      if (from === null) continue;
      const path = this.requestFor(from, size, around);
      if (path) wanted.set(path, Math.max(line, wanted.get(path) ?? 0));
    }
    for (const [path, fetch] of this.fetches) {
      if (!wanted.has(path)) {
        fetch.abort();
        this.fetches.delete(path);
      }
    }
    const now = performance.now();
    for (const [path, last] of wanted) {
      if (this.fetches.has(path) || this.fetches.size >= fetchesMax || (this.resting.get(path) ?? 0) > now) continue;
      this.fetch(path, last);
    }
  }

  /**
   * @param {number} from
   * @param {number} count
   * @param {number | null} around
   */
  requestFor(from, count, around) {
    if (around === null || !this.search) return url(this.path, { from, count, ...this.filter });
    const { text, isExpression, ignoresCase } = this.search;
    const first = this.hits.next(from - around - 1);
    if (first === null) return null;
    return url(`${this.path}/search`, {
      q: text, regex: isExpression ? "true" : "", ignore_case: ignoresCase ? "true" : "false", from: first, count,
      context: String(around), ...this.filter,
    });
  }

  /**
   * @param {string} path
   * @param {number} last The line that it is to bring; an answer that ends before is gone on with.
   */
  async fetch(path, last) {
    const own = new AbortController();
    this.fetches.set(path, own);
    // Not at once again what did not bring the lines.
    this.resting.set(path, performance.now() + 1000);
    try {
      let next = /** @type {string | null} */ (path);
      for (let round = 0, at = 0; next !== null && round < scanRounds; round += 1) {
        const answer = await get(next, { signal: own.signal });
        if (own.signal.aborted) return;
        this.error.value = null;
        this.take(answer.lines ?? answer.matches.flatMap((/** @type {any} */ match) =>
          [...match.before, match, ...match.after]));
        const isShort = answer.next > at && answer.next <= last && !this.lines.has(last);
        at = answer.next;
        next = isShort ? path.replace(/([?&])from=\d+/, `$1from=${answer.next}`) : null;
      }
    } catch (error) {
      if (own.signal.aborted) return;
      const known = this.tell(error);
      this.resting.set(path, performance.now() + (known.isTransient ? retryMilliseconds : 60_000));
      // Whoever draws asks again.
      setTimeout(() => { if (!this.isEnded) this.arrivals.value = this.arrivals.peek() + 1; }, retryMilliseconds + 50);
    } finally {
      if (this.fetches.get(path) === own) this.fetches.delete(path);
      if (!this.isEnded) this.arrivals.value = this.arrivals.peek() + 1;
    }
  }
}
