// When each step of a run was under way: one row a step, its attempts in it, the time in the queue apart.
// @ts-check
import { now } from "../core/clock.js";
import { duration, fullMoment, moment, plain } from "../core/format.js";
import { each, html } from "../core/html.js";
import { leaf } from "../core/leaf.js";
import { computed, onEnd, signal } from "../core/signal.js";
import { queuedMilliseconds } from "../data/run-list.js";
import { isEnded } from "../data/steps.js";
import { ticks, timescale } from "../data/timescale.js";
import { icon } from "../parts/icon.js";
import { sign, stateOf } from "../parts/status.js";

/**
 * @typedef {import("../data/steps.js").StepRow} StepRow
 * @typedef {{key: string, step: string, attempt: number, state: string, from: number, to: number, isOpen: boolean,
 *   isOld: boolean, failure: string | null}} Bar
 * @typedef {{id: string, name: string, state: string, depth: number, bars: Bar[], items: number}} Line
 * @typedef {{run: () => any, rows: () => StepRow[], selected?: () => string | null,
 *   onSelect?: (step: string, attempt: number | null) => void}} TimelineOptions
 */

const zoomMax = 128;
/** Room for a mark's text. */
const tickPixels = 72;
/** Items of a fan-out that are shown. */
const itemsMax = 200;
/** Steps that wait for something outside: such time is cut short like a pause. */
const waits = new Set(["approval", "wait_signal", "sleep"]);

/**
 * The timeline as an element.
 * @param {TimelineOptions} options
 */
function body(options) {
  const zoom = signal(1);
  const width = signal(400);
  const unfolded = signal(/** @type {ReadonlySet<string>} */ (new Set()));
  const isLive = computed(() => !isEnded(options.run().status));
  const lines = computed(() => linesOf(options.rows(), options.run(), unfolded.value));
  const end = computed(() => (isLive.value ? now.value : 0));
  const scale = computed(() => timescale(spansOf(options.rows(), options.run(), end.value)));
  const place = (/** @type {number} */ at) => `${(scale.value.at(at) * 100).toFixed(3)}%`;
  const length = (/** @type {Bar} */ bar) =>
    `${((scale.value.at(bar.isOpen ? Math.max(bar.from, end.value)
      : bar.to) - scale.value.at(bar.from)) * 100).toFixed(3)}%`;

  const begin = () => Date.parse(options.run().started_at);
  const runTitle = () => titleOf("Run", Date.parse(options.run().started_at),
    options.run().finished_at ? Date.parse(options.run().finished_at) : null, stateOf(options.run().status).word);
  const cuts = () => scale.value.segments.filter((segment) => segment.isGap).map((segment) => html`<span
    class="timeline-gap"
    style:--x=${`${segment.begin * 100}%`} style:--w=${`${(segment.end - segment.begin) * 100}%`}></span>`);

  const barEnd = (/** @type {Bar} */ bar) => (bar.isOpen ? Math.max(bar.from, end.value) : bar.to);
  const barText = (/** @type {Line} */ line, /** @type {Bar} */ bar) =>
    (bar !== line.bars[line.bars.length - 1] ? `#${bar.attempt}`
      : `${line.bars.length > 1 ? `#${bar.attempt} ` : ""}${duration(barEnd(bar) - bar.from)}`);
  const barTitle = (/** @type {Line} */ line, /** @type {Bar} */ bar) => titleOf(
    `${plain(line.name, 120)}, attempt ${bar.attempt}`, bar.from, bar.isOpen ? null : bar.to,
    `${stateOf(bar.state).word}${bar.isOld ? ", of an earlier go" : ""}${bar.failure ? `: ${plain(bar.failure, 160)}`
      : ""}`);

  const scroller = /** @type {HTMLElement} */ (html`<div class="timeline-scroll" tabindex="0" role="region"
    aria-label="Timeline; plus and minus zoom, 0 shows all" @keydown=${press}>
    <div class="timeline-grid" style:--zoom=${() => String(zoom.value)}>
      <div class="timeline-line is-head"><div class="timeline-name">Step</div>
        <div class="timeline-queue" title="Time in the queue; not to scale">Queued</div>
        <div class="timeline-track">${() => marksOf(scale.value, width.value).map((mark) => html`<span
          class=${mark.isCut ? "timeline-cut" : "timeline-tick"} style:--x=${`${mark.at * 100}%`}
            title=${mark.title}>${mark.text}</span>`)}</div></div>
      <div class="timeline-line is-run"><div class="timeline-name"><span class="sign"
        aria-hidden="true"></span><b>Run</b></div>
        <div class="timeline-queue">${queueBar}</div>
        <div class="timeline-track">${() => cuts()}${() => (options.run().started_at
          && scale.value.segments.length > 0 ? html`<span
          class=${() => `timeline-bar is-run tone-${stateOf(options.run().status).tone}`}
            style:--x=${() => place(begin())}
          style:--w=${() => `${((scale.value.at(isLive.value ? end.value
            : scale.value.to) - scale.value.at(begin())) * 100).toFixed(3)}%`} title=${runTitle}></span>`
            : null)}</div></div>
      ${each(() => lines.value, (line) => line.id, (line) => row(line))}
    </div></div>`);
  const observer = new ResizeObserver((entries) => { width.value = Math.max(1, entries[0].contentRect.width); });
  observer.observe(/** @type {HTMLElement} */ (scroller.querySelector(".timeline-track")));
  onEnd(() => observer.disconnect());
  scroller.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && !event.metaKey) return;
    event.preventDefault();
    zoomTo(zoom.peek() * Math.exp(-event.deltaY * 0.004), event.clientX);
  }, { passive: false });

  /** The queue's part: a short mark of its own with its length in words. */
  function queueBar() {
    const run = options.run();
    const time = queuedMilliseconds(run, now.value);
    if (time === null) return null;
    return html`<span class="timeline-waited" title=${`Asked for at ${fullMoment(run.enqueued_at)}; in the queue for ${
      duration(time)}`}>${duration(time)}</span>`;
  }
  /** @param {import("../core/signal.js").Signal<Line>} line */
  function row(line) {
    const { id, depth } = line.peek();
    const hasItems = computed(() => line.value.items > 0);
    return html`<div class="timeline-line" class:is-selected=${() => options.selected?.() === id}
      class:is-item=${depth > 0}
      class:is-failed=${() => line.value.state === "failed"}>
      <div class="timeline-name">${sign(() => line.value.state)}
        <button type="button" class="timeline-label clip" title=${() => `${plain(line.value.name)} (${plain(id)})`}
          aria-current=${() => (options.selected?.() === id ? "true" : null)}
          @click=${() => options.onSelect?.(id, null)}>${() => plain(line.value.name, 120)}</button>
        ${() => (hasItems.value ? html`<button type="button" class="button is-small"
          aria-expanded=${() => String(unfolded.value.has(id))}
          @click=${() => unfold(id)}>${() => line.value.items}</button>` : null)}</div>
      <div class="timeline-queue"></div>
      <div class="timeline-track">${each(() => line.value.bars, (bar) => bar.key, (bar) => html`<button type="button"
        class=${() => `timeline-bar${bar.value === line.value.bars[line.value.bars.length - 1] ? " is-last"
          : ""} tone-${stateOf(bar.value.state).tone}${bar.value.isOld ? " is-old"
          : ""}${bar.value.isOpen ? " is-open" : ""}`}
        style:--x=${() => place(bar.value.from)} style:--w=${() => length(bar.value)}
          title=${() => barTitle(line.value, bar.value)}
        aria-label=${() => barTitle(line.value, bar.value)} @click=${() => options.onSelect?.(id, bar.peek().attempt)}>
          <span class="timeline-length">${() => barText(line.value, bar.value)}</span></button>`)}</div>
    </div>`;
  }

  /** @param {string} id */
  function unfold(id) {
    const next = new Set(unfolded.peek());
    if (!next.delete(id)) next.add(id);
    unfolded.value = next;
  }

  /** @param {number} wanted @param {number} [clientX] Stays where it is. */
  function zoomTo(wanted, clientX) {
    const track = /** @type {HTMLElement} */ (scroller.querySelector(".timeline-track"));
    const box = track.getBoundingClientRect();
    const x = clientX ?? scroller.getBoundingClientRect().left + scroller.clientWidth / 2;
    const share = Math.min(1, Math.max(0, (x - box.left) / box.width));
    zoom.value = Math.min(zoomMax, Math.max(1, wanted));
    requestAnimationFrame(() => {
      const next = track.getBoundingClientRect();
      scroller.scrollLeft += next.left + share * next.width - x;
    });
  }

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") zoomTo(zoom.peek() * 1.5);
    else if (event.key === "-") zoomTo(zoom.peek() / 1.5);
    else if (event.key === "0") zoomTo(1);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  return html`<div class="timeline">
    <div class="timeline-tools row"><span class="muted small">${() => (scale.value.segments.some((segment) =>
      segment.isGap)
      ? "Pauses and waits are cut short, marked by a gap" : "Lengths are to scale; the queue stands apart")}</span>
      <span class="grow"></span>
      <button type="button" class="icon-button" aria-label="Zoom in" title="Zoom in (+)"
        @click=${() => zoomTo(zoom.peek() * 1.5)}>${icon("zoomIn")}</button>
      <button type="button" class="icon-button" aria-label="Zoom out" title="Zoom out (-)"
        @click=${() => zoomTo(zoom.peek() / 1.5)}>${icon("zoomOut")}</button>
      <button type="button" class="icon-button" aria-label="Show all" title="Show all (0)"
        @click=${() => zoomTo(1)}>${icon("fit")}</button></div>
    ${scroller}</div>`;
}

export const timeline = leaf("oc-timeline", body);

/** @param {string} name @param {number} from @param {number | null} to @param {string} state */
function titleOf(name, from, to, state) {
  const begin = new Date(from).toISOString();
  const times = to === null ? `since ${moment(begin)}` : `${moment(begin)} – ${moment(new Date(
    to).toISOString())}, ${duration(to - from)}`;
  return `${name}: ${state}\n${times}`;
}

/** @param {StepRow} row @param {any} run @returns {Bar[]} */
function barsOf(row, run) {
  const bars = row.attempts.filter((attempt) => attempt.begun_at && (attempt.attempt > 0 || attempt.state === "failed"))
    .map((attempt) => {
      const isOpen = attempt.ended_at === null && !isEnded(run.status) && !attempt.superseded;
      const from = Date.parse(String(attempt.begun_at));
      return {
        key: `${attempt.attempt}`, step: row.id, attempt: attempt.attempt, from, isOpen, isOld: attempt.superseded,
        to: attempt.ended_at ? Date.parse(attempt.ended_at) : from, failure: attempt.failure,
        state: attempt === row.current ? row.state : attempt.state === "intent" ? "unknown" : attempt.state,
      };
    });
  if (row.state === "running" && row.begunAt && !bars.some((bar) => bar.isOpen)) {
    const attempt = (bars[bars.length - 1]?.attempt ?? 0) + 1;
    const from = Date.parse(row.begunAt);
    bars.push({ key: `${attempt}`, step: row.id, attempt, from, to: from, isOpen: true, isOld: false, failure: null,
      state: "running" });
  }
  return bars;
}

/** @param {StepRow[]} rows @param {any} run @param {ReadonlySet<string>} unfolded @returns {Line[]} */
function linesOf(rows, run, unfolded) {
  return rows.flatMap((row) => [
    { id: row.id, name: row.title || row.id, state: row.state, depth: 0, bars: barsOf(row, run),
      items: row.items.length },
    ...(unfolded.has(row.id) ? row.items.slice(0, itemsMax) : []).map((item) => (
      { id: item.id, name: item.id, state: item.state, depth: 1, bars: barsOf(item, run), items: 0 })),
  ]);
}

/** @param {StepRow[]} rows @param {any} run @param {number} now_ */
function spansOf(rows, run, now_) {
  /** @type {{from: number, to: number}[]} */
  const spans = [];
  if (run.started_at) spans.push({ from: Date.parse(run.started_at), to: Date.parse(run.started_at) });
  if (run.finished_at) spans.push({ from: Date.parse(run.finished_at), to: Date.parse(run.finished_at) });
  for (const row of rows) {
    for (const bar of [...barsOf(row, run), ...row.items.flatMap((item) => barsOf(item, run))]) {
      const to = bar.isOpen ? Math.max(bar.from, now_) : bar.to;
      if (waits.has(row.kind)) spans.push({ from: bar.from, to: bar.from }, { from: to, to });
      else spans.push({ from: bar.from, to });
    }
  }
  return spans;
}

/**
 * @param {import("../data/timescale.js").Timescale} scale
 * @param {number} width Of the track, in pixels.
 */
function marksOf(scale, width) {
  const marks = scale.segments.flatMap((segment, index) => {
    const length = segment.to - segment.from;
    if (segment.isGap) {
      return [{ at: (segment.begin + segment.end) / 2, text: duration(length),
        title: `A pause of ${duration(length)}`, isCut: true }];
    }
    const share = segment.end - segment.begin;
    const count = Math.max(1, Math.floor((share * width) / tickPixels));
    return ticks(length, Math.min(count, 400)).map((offset) => {
      const at = new Date(segment.from + offset).toISOString();
      return {
        at: segment.begin + (length > 0 ? offset / length : 0) * share, isCut: false, title: fullMoment(at),
        text: index === 0 ? duration(offset) : offset === 0 ? moment(at) : `+${duration(offset)}`,
      };
    });
  });
  // Of marks that would lie over each other the first is kept.
  let last = -Infinity;
  return marks.filter((mark) => {
    const at = mark.at * width;
    if (at - last < tickPixels * 0.85) return false;
    last = at;
    return true;
  });
}
