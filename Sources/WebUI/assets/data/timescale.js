// Where moments stand on a timeline: time in which nothing happened is cut short, the rest keeps its length. Pure.
// @ts-check

/**
 * @typedef {{from: number, to: number, isGap: boolean, begin: number, end: number}} Segment `begin` and
 *   `end` are from 0 to 1.
 * @typedef {{segments: Segment[], at: (moment: number) => number, from: number, to: number}} Timescale
 */

/** A pause that takes more than this share of all that happens is cut short. */
const gapShare = 0.25;
/** What a cut takes of the whole. */
const cutShare = 0.05;

/**
 * The scale for spans of time.
 * @param {{from: number, to: number}[]} spans In milliseconds; `to` is not before `from`.
 * @returns {Timescale}
 */
export function timescale(spans) {
  const sorted = spans.filter((span) => span.to >= span.from).sort((a, b) => a.from - b.from);
  if (sorted.length === 0) return { segments: [], at: () => 0, from: 0, to: 0 };
  /** @type {{from: number, to: number}[]} */
  const busy = [];
  for (const span of sorted) {
    const last = busy[busy.length - 1];
    if (last && span.from <= last.to) last.to = Math.max(last.to, span.to);
    else busy.push({ ...span });
  }
  const active = busy.reduce((sum, span) => sum + span.to - span.from, 0) || 1;
  /** @type {{from: number, to: number, isGap: boolean}[]} */
  const pieces = [];
  for (const span of busy) {
    const last = pieces[pieces.length - 1];
    const pause = last ? span.from - last.to : 0;
    if (last && pause > active * gapShare && pause > 1000) {
      pieces.push({ from: last.to, to: span.from, isGap: true }, { ...span, isGap: false });
    } else if (last) last.to = span.to;
    else pieces.push({ ...span, isGap: false });
  }
  const cuts = Math.min(0.5, pieces.filter((piece) => piece.isGap).length * cutShare);
  const perCut = cuts / Math.max(1, pieces.filter((piece) => piece.isGap).length);
  const whole = pieces.reduce((sum, piece) => sum + (piece.isGap ? 0 : piece.to - piece.from), 0) || 1;
  let place = 0;
  const segments = pieces.map((piece) => {
    const begin = place;
    place += piece.isGap ? perCut : ((piece.to - piece.from) / whole) * (1 - cuts);
    return { ...piece, begin, end: place };
  });
  return { segments, at: (moment) => placeOf(segments, moment), from: segments[0].from,
    to: segments[segments.length - 1].to };
}

/** @param {Segment[]} segments @param {number} moment */
function placeOf(segments, moment) {
  for (const segment of segments) {
    if (moment > segment.to) continue;
    const length = segment.to - segment.from;
    const share = length > 0 ? Math.max(0, moment - segment.from) / length : 0;
    return segment.begin + share * (segment.end - segment.begin);
  }
  return 1;
}

const stepsOf = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, 60_000, 120_000, 300_000,
  600_000, 1_800_000, 3_600_000, 7_200_000, 21_600_000, 43_200_000, 86_400_000];

/**
 * Marks along a piece of time: round distances from its begin, about `count` of them.
 * @param {number} milliseconds The piece's length. @param {number} count
 * @returns {number[]} Distances from the begin, in milliseconds.
 */
export function ticks(milliseconds, count) {
  if (milliseconds <= 0 || count < 1) return [0];
  const step = stepsOf.find((size) => milliseconds / size <= count)
    ?? 86_400_000 * Math.ceil(milliseconds / 86_400_000 / count);
  const marks = [];
  for (let at = 0; at <= milliseconds; at += step) marks.push(at);
  return marks;
}
