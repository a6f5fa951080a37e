// Shards as a person writes them: numbers, and ranges of them. Pure.
// @ts-check

/** Shards that there are. */
const shardsMax = 1024;

/**
 * The shards of `7`, `12-19`, `3,5`; each once, in their order.
 * @param {string[]} words
 * @returns {number[] | null} `null` where one of the words names none.
 */
export function ranges(words) {
  /** @type {Set<number>} */
  const found = new Set();
  for (const text of words.join(",").split(",")) {
    const match = /^(\d{1,4})(?:-(\d{1,4}))?$/.exec(text);
    if (!match) return null;
    const [first, last] = [Number(match[1]), Number(match[2] ?? match[1])];
    if (first > last || last >= shardsMax) return null;
    for (let shard = first; shard <= last; shard += 1) found.add(shard);
  }
  return [...found].sort((a, b) => a - b);
}
