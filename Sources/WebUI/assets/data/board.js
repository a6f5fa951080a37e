// What a board shows, in which order and at which height, and what events and moves change of it. Pure.
// @ts-check

/**
 * @typedef {{id: string, plan: string, plan_digest: string, template: string | null, status: string, attempt: number,
 *   retry_count: number, priority: number, key: string, enqueued_at: string, ready_at: string, due_at: string | null,
 *   started_at: string | null, finished_at: string | null, failure: string | null, failed_step: string | null,
 *   wait_reason: string | null, wait: {kind: string, step: string | null, since: string | null} | null,
 *   paused_by: string | null, parent: string | null, node: string | null, progress: {done: number, total: number},
 *   step: string | null}} Card
 * @typedef {{by: string, at: string, reason: string | null} | null} PauseMark
 * @typedef {{id: number, name: string, width: number, priority: number, paused: PauseMark, worker: string,
 *   active: number, active_is_more?: boolean, queued: number, queued_is_more: boolean, cards: Card[],
 *   recent: Card[]}} Lane
 * @typedef {{id: number, name: string, status: string, intent: string, open_runs: number, open_runs_is_more?: boolean,
 *   created_at: string, ended_at: string | null, paused: PauseMark}} BoardSession
 * @typedef {{version: number, session: BoardSession, waiting: number, waiting_is_more?: boolean, lanes: Lane[],
 *   lanes_is_more?: boolean, cards_is_more?: boolean,
 *   nodes: {name: string, status: string, lease_ms: number}[]}} Board
 * @typedef {{run: string, lane: number, before: string | null}} Move `before` is the card it stands before; `null`:
 * last.
 * @typedef {{cards: Card[], tops: number[], height: number}} Layout
 */

/** Runs that ended last, shown of each lane. */
export const recentMax = 5;
/**
 * What a card takes of its lane's height, with the gap below it.
 * @type {Record<string, number>}
 */
export const heights = { queued: 40, running: 92, waiting: 92, person: 120 };

/**
 * What a card is: `queued`, `running`, `waiting` for something, or for a `person`.
 * @param {Card} card
 */
export function kindOf(card) {
  if (card.status === "queued") return "queued";
  if (card.status !== "waiting") return "running";
  return card.wait?.kind === "approval" || card.wait?.kind === "person" ? "person" : "waiting";
}

/**
 * Whether somebody is known to work on a card: its node, while its lease holds. Of a worker outside the board knows
 * nothing, nor of a node that came anew.
 * @param {Card} card @param {string} worker Who takes the lane's runs. @param {string[]} alive Names of nodes.
 */
export const isAlive = (card, worker, alive) =>
  card.status === "running" && worker !== "external" && card.node !== null && alive.includes(card.node);

/** @type {Record<string, number>} */
const places = { person: 0, running: 1, waiting: 2, queued: 3 };

/**
 * A lane's cards as they stand: what waits for people, what runs, what waits, then the queue as it is claimed.
 * @param {Card[]} cards
 * @returns {Layout}
 */
export function layout(cards) {
  const sorted = cards.map((card) => ({ card, place: places[kindOf(card)] }))
    .sort((a, b) => a.place - b.place).map((entry) => entry.card);
  const tops = [];
  let height = 0;
  for (const card of sorted) {
    tops.push(height);
    height += heights[kindOf(card)];
  }
  return { cards: sorted, tops, height };
}

/**
 * The cards that can be seen between two heights.
 * @param {Layout} layout @param {number} top @param {number} bottom
 * @returns {[number, number]} From which to before which.
 */
export function between({ tops, height }, top, bottom) {
  const from = Math.max(0, firstAbove(tops, top) - 1);
  return [top >= height ? tops.length : from, firstAbove(tops, bottom)];
}

/**
 * How many heights are at most `limit`.
 * @param {number[]} tops @param {number} limit
 */
function firstAbove(tops, limit) {
  let low = 0;
  let high = tops.length;
  while (low < high) {
    const middle = (low + high) >> 1;
    if (tops[middle] <= limit) low = middle + 1;
    else high = middle;
  }
  return low;
}

/**
 * A newer board in which all that is as it was is the very same object, so that only changes are drawn.
 * @template T
 * @param {T | null} known @param {T} next
 * @returns {T}
 */
export function merge(known, next) {
  if (known === next || known === null || typeof known !== "object" || typeof next !== "object" || next === null) {
    return next;
  }
  if (Array.isArray(next)) {
    if (!Array.isArray(known)) return next;
    const byID = new Map(known.map((item, at) => [item?.id ?? item?.name ?? at, item]));
    const merged = next.map((item, at) => merge(byID.get(item?.id ?? item?.name ?? at) ?? null, item));
    const isSame = merged.length === known.length && merged.every((item, at) => item === known[at]);
    return isSame ? known : /** @type {any} */ (merged);
  }
  /** @type {any} */
  const merged = {};
  let isSame = Object.keys(known).length === Object.keys(next).length;
  for (const [name, value] of Object.entries(next)) {
    merged[name] = merge(/** @type {any} */ (known)[name] ?? null, value);
    isSame &&= merged[name] === /** @type {any} */ (known)[name];
  }
  return isSame ? known : merged;
}

/** @type {Record<string, string>} */
const ends = {
  "run.succeeded": "succeeded", "run.failed": "failed", "run.cancelled": "cancelled", "run.timed_out": "timed_out",
};

/**
 * The board after an event of one of its lanes; the same board where it changes nothing that is shown.
 * @param {Board} board @param {{type: string, run: string, lane?: number, at: string, step?: string, data?: any}} event
 * @returns {Board}
 */
export function apply(board, event) {
  const lane = board.lanes.find((one) => one.id === event.lane);
  const card = lane?.cards.find((one) => one.id === event.run);
  if (!lane || !card) return board;
  const end = ends[event.type];
  if (end) return changed(board, ended(lane, { ...card, ...endOf(card, event, end) }));
  const next = happened(card, event);
  if (!next) return board;
  const begins = card.status === "queued" && next.status !== "queued";
  return changed(board, {
    ...lane, cards: lane.cards.map((one) => (one === card ? next : one)),
    active: lane.active + (begins ? 1 : 0), queued: Math.max(0, lane.queued - (begins ? 1 : 0)),
  });
}

/** @param {Board} board @param {Lane} lane @returns {Board} */
const changed = (board, lane) => ({ ...board, lanes: board.lanes.map((one) => (one.id === lane.id ? lane : one)) });

/** @param {Card} card @param {any} event @param {string} status @returns {Partial<Card>} */
const endOf = (card, event, status) => ({
  status, finished_at: event.at, step: null, wait: null, wait_reason: null,
  failure: status === "succeeded" ? null : event.data?.reason ?? card.failure,
  progress: status === "succeeded" ? { ...card.progress, done: card.progress.total } : card.progress,
});

/** @param {Lane} lane @param {Card} card @returns {Lane} */
function ended(lane, card) {
  const wasQueued = lane.cards.find((one) => one.id === card.id)?.status === "queued";
  return {
    ...lane, cards: lane.cards.filter((one) => one.id !== card.id),
    recent: [card, ...lane.recent.filter((one) => one.id !== card.id)].slice(0, recentMax),
    active: Math.max(0, lane.active - (wasQueued ? 0 : 1)), queued: Math.max(0, lane.queued - (wasQueued ? 1 : 0)),
  };
}

/** @param {Card} card @param {any} event @returns {Card | null} `null` where nothing of it changes. */
function happened(card, event) {
  switch (event.type) {
    case "run.started":
    case "run.resumed":
      return { ...card, status: "running", started_at: card.started_at ?? event.at, wait: null, wait_reason: null,
        due_at: null };
    case "run.unpaused": return { ...card, paused_by: null };
    case "run.paused": return { ...card, paused_by: event.data?.by ?? card.paused_by ?? "" };
    case "run.waiting":
      return { ...card, status: "waiting", step: event.step ?? card.step, wait_reason: event.data?.reason ??
        card.wait_reason };
    case "run.retrying": {
      const wait = Number(event.data?.in_ms ?? 0);
      return { ...card, status: "waiting", due_at: new Date(Date.parse(event.at) + wait).toISOString(),
        failure: event.data?.reason ?? card.failure };
    }
    case "step.started": return card.step === event.step ? null : { ...card, status: "running", step: event.step ??
      null, wait: null };
    // The first failure is the cause of others, unless another attempt did it after all.
    case "step.failed": return card.failed_step ? null : { ...card, failed_step: event.step ?? null };
    case "step.succeeded": return card.failed_step && card.failed_step === event.step
      ? { ...card, failed_step: null } : null;
    default: return null;
  }
}

/**
 * The board as it will be once a queued card was moved.
 * @param {Board} board @param {Move} move
 * @returns {Board}
 */
export function moved(board, move) {
  const from = board.lanes.find((lane) => lane.cards.some((card) => card.id === move.run));
  const to = board.lanes.find((lane) => lane.id === move.lane);
  const card = from?.cards.find((one) => one.id === move.run);
  if (!from || !to || !card || card.status !== "queued") return board;
  const rest = to.cards.filter((one) => one !== card);
  const at = move.before === null ? -1 : rest.findIndex((one) => one.id === move.before);
  const cards = at < 0 ? [...rest, card] : [...rest.slice(0, at), card, ...rest.slice(at)];
  if (from === to) return changed(board, { ...to, cards });
  const without = { ...from, cards: from.cards.filter((one) => one !== card), queued: Math.max(0, from.queued - 1) };
  return changed(changed(board, without), { ...to, cards, queued: to.queued + 1 });
}

/**
 * What a key does to the place of a queued card: one up or down in its lane, or to the lane beside it.
 * @param {Board} board @param {string} run @param {"up" | "down" | "left" | "right"} direction
 * @returns {Move | null} `null` where it can go no further, or what lies there was not fetched: see {@link isCut}.
 */
export function shifted(board, run, direction) {
  const lane = board.lanes.findIndex((one) => one.cards.some((card) => card.id === run));
  if (lane < 0) return null;
  const queue = board.lanes[lane].cards.filter((card) => card.status === "queued");
  const at = queue.findIndex((card) => card.id === run);
  if (at < 0) return null;
  if (direction === "left" || direction === "right") {
    const beside = board.lanes[lane + (direction === "left" ? -1 : 1)];
    return beside ? { run, lane: beside.id, before: null } : null;
  }
  if (direction === "up") return at === 0 ? null : { run, lane: board.lanes[lane].id, before: queue[at - 1].id };
  if (at + 1 >= queue.length || (at + 2 === queue.length && isCut(board.lanes[lane]))) return null;
  return { run, lane: board.lanes[lane].id, before: queue[at + 2]?.id ?? null };
}

/**
 * Whether more is queued than was fetched: then nobody here knows what comes after the last card.
 * @param {Lane} lane
 */
export const isCut = (lane) =>
  lane.queued_is_more || lane.queued > lane.cards.filter((card) => card.status === "queued").length;

/**
 * What the node is asked for a move.
 * @param {Board} board As it is before the move. @param {Move} move
 * @returns {{lane?: string, before?: string, place?: "last"}}
 */
export function wishOf(board, move) {
  const from = board.lanes.find((lane) => lane.cards.some((card) => card.id === move.run));
  const to = board.lanes.find((lane) => lane.id === move.lane);
  const place = move.before === null ? { place: /** @type {"last"} */ ("last") } : { before: move.before };
  return from && to && from !== to ? { lane: to.name, ...place } : place;
}

/**
 * The card that arrow keys lead to.
 * @param {{cards: Card[], recent: Card[]}[]} lanes Each lane's cards in the order they are shown.
 * @param {string | null} run @param {"up" | "down" | "left" | "right"} direction
 * @returns {string | null} The run; `null` where there are no cards.
 */
export function neighbour(lanes, run, direction) {
  const columns = lanes.map((lane) => [...lane.cards, ...lane.recent].map((card) => card.id));
  const column = columns.findIndex((ids) => run !== null && ids.includes(run));
  if (column < 0) return columns.find((ids) => ids.length > 0)?.[0] ?? null;
  const at = columns[column].indexOf(/** @type {string} */ (run));
  if (direction === "up" || direction === "down") {
    const next = at + (direction === "up" ? -1 : 1);
    return columns[column][Math.max(0, Math.min(columns[column].length - 1, next))];
  }
  const way = direction === "left" ? -1 : 1;
  for (let beside = column + way; beside >= 0 && beside < columns.length; beside += way) {
    if (columns[beside].length > 0) return columns[beside][Math.min(at, columns[beside].length - 1)];
  }
  return run;
}

/**
 * How many queued cards of each lane are worth fetching, where `seen` of one can be seen.
 * @param {number} seen
 */
export const cardsWanted = (seen) => (seen <= 30 ? 40 : seen <= 100 ? 120 : 500);
