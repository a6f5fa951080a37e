// What the cluster page makes of nodes and shards.
import assert from "node:assert/strict";
import { test } from "node:test";
import { colouring, drained, holdings, standing, tints, troubles } from "../../../Sources/WebUI/assets/data/cluster.js";

const node = (number, more = {}) => ({ number, name: `n${number}`, status: "active", lease_ms: 9000, assigned: 0, running: 10,
  handing_off: 0, ...more });
const cluster = (nodes, more = {}) => ({ nodes, coordinator: { node: 1 }, free_shards: 0, suspicions: [], ...more });

test("each node keeps its colour, whatever order it is told in", () => {
  const first = colouring([node(2), node(1)]);
  assert.deepEqual([...first], [["n1", 0], ["n2", 1]]);
  assert.equal(colouring(Array.from({ length: tints + 1 }, (_, index) => node(index))).get(`n${tints}`), 0);
});

test("shards are counted by owner, the greatest first, those of nobody too", () => {
  const shards = [{ owner: "a" }, { owner: null }, { owner: "a" }];
  assert.deepEqual(holdings(shards), [{ owner: "a", count: 2 }, { owner: null, count: 1 }]);
});

test("a node that does not renew its lease is silent, whatever it was", () => {
  assert.equal(standing(node(1, { lease_ms: 0 })).word, "Silent");
  assert.equal(standing(node(1, { status: "dead", lease_ms: 0 })).word, "Gone");
  assert.equal(standing(node(1, { status: "draining" })).word, "Draining");
  assert.equal(standing(node(1)).word, "Active");
});

test("draining is measured by what the node had at first", () => {
  assert.deepEqual(drained(node(1, { running: 25 }), 100), { left: 25, whole: 100, share: 0.75 });
  assert.equal(drained(node(1, { running: 0 }), 0).left, 0);
});

test("a sound cluster has no troubles; what needs a person is told", () => {
  assert.deepEqual(troubles(cluster([node(1), node(2)])), []);
  assert.match(troubles(cluster([node(1, { status: "draining" })]))[0].text, /No node takes shards/);
  assert.match(troubles(cluster([node(1), node(2, { lease_ms: 0 })]))[0].text, /n2 does not renew/);
  assert.equal(troubles(cluster([node(1)], { coordinator: null, free_shards: 3, suspicions: [{ target: "n1" }] })).length, 3);
});
