// What the cluster page makes of nodes and shards: who has which colour, who holds what, what to say of a node. Pure.
// @ts-check

/** Colours that tell owners apart; the ninth owner shares the first one's. */
export const tints = 8;

/**
 * A number for each node's colour, which stays while the cluster has the same nodes.
 * @param {{number: number, name: string}[]} nodes
 * @returns {Map<string, number>}
 */
export function colouring(nodes) {
  const map = new Map();
  [...nodes].sort((a, b) => a.number - b.number).forEach((node, index) => {
    if (!map.has(node.name)) map.set(node.name, index % tints);
  });
  return map;
}

/**
 * How many shards each owner has, the greatest first; those of nobody are `null`.
 * @param {{owner: string | null}[]} shards
 * @returns {{owner: string | null, count: number}[]}
 */
export function holdings(shards) {
  /** @type {Map<string | null, number>} */
  const map = new Map();
  for (const shard of shards) map.set(shard.owner, (map.get(shard.owner) ?? 0) + 1);
  return [...map].map(([owner, count]) => ({ owner, count })).sort((a, b) => b.count - a.count);
}

/**
 * A node's state as one of the page's states.
 * @param {{status: string, lease_ms: number}} node
 * @returns {{tone: string, word: string, sign: string}}
 */
export function standing(node) {
  if (node.status === "dead") return { tone: "cancelled", word: "Gone", sign: "–" };
  if (node.lease_ms <= 0) return { tone: "failed", word: "Silent", sign: "✕" };
  if (node.status === "draining") return { tone: "waiting", word: "Draining", sign: "↓" };
  if (node.status === "joining") return { tone: "running", word: "Joining", sign: "◌" };
  return { tone: "succeeded", word: "Active", sign: "●" };
}

/**
 * How far a draining node is: the shards it still has of those it had when it was first seen so.
 * @param {{assigned: number, running: number, handing_off: number}} node @param {number} first
 */
export function drained(node, first) {
  const left = node.assigned + node.running + node.handing_off;
  const whole = Math.max(first, left, 1);
  return { left, whole, share: 1 - left / whole };
}

/**
 * What of the cluster needs a person, worst first.
 * @param {any} cluster
 * @returns {{tone: string, text: string}[]}
 */
export function troubles(cluster) {
  const list = [];
  const living = cluster.nodes.filter((/** @type {any} */ node) => node.status !== "dead");
  const silent = living.filter((/** @type {any} */ node) => node.lease_ms <= 0);
  const takers = living.filter((/** @type {any} */ node) => node.status === "active" && node.lease_ms > 0);
  if (takers.length === 0) list.push({ tone: "failed", text: "No node takes shards: runs wait until one is active." });
  for (const node of silent) {
    list.push({ tone: "failed",
      text: `${node.name} does not renew its lease: others take its shards; evict it if it is gone for good.` });
  }
  if (!cluster.coordinator) list.push({ tone: "waiting",
    text: "Nobody coordinates now: shards are not given out until a node does." });
  if (cluster.free_shards > 0) {
    list.push({ tone: "waiting",
      text: `${cluster.free_shards} of 1,024 shards have no owner: their runs wait for moments.` });
  }
  if (cluster.suspicions.length > 0) {
    const names = [...new Set(cluster.suspicions.map((/** @type {any} */ vote) => vote.target))].join(", ");
    list.push({ tone: "waiting", text: `Others cannot reach ${names}.` });
  }
  return list;
}
