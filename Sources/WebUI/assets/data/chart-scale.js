// Round marks for the axes of a chart, sums of stacked bars, and what lies under the pointer. Pure.
// @ts-check

const minute = 60_000;
const hour = 60 * minute;
const day = 24 * hour;
const timeSteps = [minute, 5 * minute, 10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 3 * hour, 6 * hour,
  12 * hour,
  day, 2 * day, 7 * day];
const durationSteps = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10_000, 15_000, 30_000, minute,
  2 * minute, 5 * minute,
  10 * minute, 15 * minute, 30 * minute, hour, 2 * hour, 6 * hour, 12 * hour, day, 2 * day, 7 * day];

/**
 * Marks from 0 up that hold `max`: about `count` of them, at round numbers.
 * @param {number} max @param {number} count
 * @param {"count" | "duration"} kind Lengths of time are round in minutes and hours, counts are whole.
 * @returns {number[]} The last one is not below `max`.
 */
export function marks(max, count, kind) {
  const wanted = Math.max(max, 1) / Math.max(1, count);
  let step = kind === "duration" ? durationSteps.find((one) => one >= wanted) : undefined;
  if (step === undefined) {
    const power = 10 ** Math.floor(Math.log10(wanted));
    const first = [1, 2, 5, 10].find((one) => one * power >= wanted) ?? 10;
    step = kind === "count" ? Math.max(1, first * power) : first * power;
  }
  const list = [];
  for (let at = 0; ; at += step) {
    list.push(at);
    if (at >= max && list.length > 1) return list;
  }
}

/**
 * Moments at round clock times between two.
 * @param {number} from @param {number} to
 * @param {number} count At most so many.
 * @param {number} offset Milliseconds that the clocks of the place are ahead of UTC.
 */
export function moments(from, to, count, offset) {
  const step = timeSteps.find((one) => (to - from) / one <= count) ?? timeSteps[timeSteps.length - 1];
  const list = [];
  for (let at = Math.ceil((from + offset) / step) * step - offset; at <= to; at += step) list.push(at);
  return { step, list };
}

/**
 * The tops of stacked values: for each place the sum of the series up to each one.
 * @param {(number | null)[][]} series
 * @returns {number[][]} By series, by place.
 */
export function stacked(series) {
  const length = Math.max(0, ...series.map((values) => values.length));
  const sums = new Array(length).fill(0);
  return series.map((values) => sums.map((_, index) => (sums[index] += values[index] ?? 0)));
}

/**
 * The greatest of all values; 0 where there are none.
 * @param {(number | null)[][]} series
 */
export function greatest(series) {
  let max = 0;
  for (const values of series) for (const value of values) if (value !== null && value > max) max = value;
  return max;
}

/**
 * The place under a pointer.
 * @param {number} x Pixels from the left of the plot. @param {number} width Of the plot.
 * @param {number} count Places.
 */
export const placeAt = (x, width, count) => Math.min(count - 1, Math.max(0, Math.floor((x / Math.max(1,
  width)) * count)));
