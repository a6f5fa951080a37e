// Which lines of a log an address means: `L120`, `L120-L130`, with the step and attempt before. Pure.
// @ts-check

/** @typedef {{step: string | null, attempt: number | null, first: number, last: number}} LogAddress */

/**
 * Reads what stands behind `#`; `null` where it means no line.
 * @param {string} text
 * @returns {LogAddress | null}
 */
export function read(text) {
  const match = /^(?:(.+?)(?::(\d{1,9}))?:)?L(\d{1,12})(?:-L?(\d{1,12}))?$/.exec(text);
  if (!match) return null;
  const one = Math.max(1, Number(match[3]));
  const other = match[4] === undefined ? one : Math.max(1, Number(match[4]));
  return {
    step: match[1] ?? null, attempt: match[2] === undefined ? null : Number(match[2]),
    first: Math.min(one, other), last: Math.max(one, other),
  };
}

/**
 * The same as text.
 * @param {LogAddress} address
 */
export function write({ step, attempt, first, last }) {
  const place = step === null ? "" : `${step}:${attempt === null ? "" : `${attempt}:`}`;
  return `${place}L${first}${last === first ? "" : `-L${last}`}`;
}
