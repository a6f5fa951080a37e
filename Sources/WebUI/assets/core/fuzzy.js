// How well a few typed letters fit a text, and where: for the command bar and for filters.
// @ts-check

/**
 * How well `query` fits: all of its letters in their order, better in a row and at beginnings of words.
 * @param {string} query @param {string} text
 * @returns {{score: number, at: number[]} | null} `null` where it does not fit; `at` are the letters that fit.
 */
export function fuzzy(query, text) {
  const wanted = query.toLowerCase().replace(/\s+/g, "");
  if (wanted === "") return { score: 0, at: [] };
  const given = text.toLowerCase();
  const whole = given.indexOf(query.toLowerCase().trim());
  if (whole >= 0) {
    const length = query.trim().length;
    const isStart = whole === 0 || isBoundary(text, whole);
    const score = 200 + (isStart ? 100 : 0) - whole - text.length / 100;
    return { score, at: Array.from({ length }, (_, index) => whole + index) };
  }
  let best = null;
  for (let begin = given.indexOf(wanted[0]); begin >= 0; begin = given.indexOf(wanted[0], begin + 1)) {
    const found = from(wanted, text, given, begin);
    if (found && (!best || found.score > best.score)) best = found;
  }
  return best;
}

/** @param {string} wanted @param {string} text @param {string} given @param {number} begin */
function from(wanted, text, given, begin) {
  const at = [];
  let score = -begin / 10 - text.length / 100;
  let position = begin;
  for (const letter of wanted) {
    // A letter at the beginning of a word counts more than the next one that comes.
    let found = given.indexOf(letter, position);
    if (found < 0) return null;
    if (found !== position || at.length === 0) {
      for (let next = found; next >= 0; next = given.indexOf(letter, next + 1)) {
        if (isBoundary(text, next)) {
          if (rest(wanted, at.length + 1, given, next + 1)) found = next;
          break;
        }
      }
    }
    score += isBoundary(text, found) ? 12 : at[at.length - 1] === found - 1 ? 8 : 1;
    at.push(found);
    position = found + 1;
  }
  return { score, at };
}

/** @param {string} wanted @param {number} index @param {string} given @param {number} position */
function rest(wanted, index, given, position) {
  for (let at = index; at < wanted.length; at += 1) {
    position = given.indexOf(wanted[at], position) + 1;
    if (position === 0) return false;
  }
  return true;
}

/** @param {string} text @param {number} index */
function isBoundary(text, index) {
  if (index === 0) return true;
  const before = text[index - 1];
  return /[\s\-_./:,#]/.test(before) || (/[a-z]/.test(before) && /[A-Z]/.test(text[index]));
}
