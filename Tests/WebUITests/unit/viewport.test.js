// A picture is fitted, zoomed at a point, and brought to a node.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fit, neighbour, reveal, scaleMax, scaleMin, way, zoomAt } from "../../../Sources/WebUI/assets/data/viewport.js";

const place = { width: 1000, height: 600 };
const node = (id, x, y) => ({ id, x, y, width: 200, height: 48 });

test("a small picture stays at its own size, in the middle; a large one is made smaller", () => {
  assert.deepEqual(fit({ width: 200, height: 100 }, place), { scale: 1, x: 400, y: 250 });
  const large = fit({ width: 10_000, height: 1000 }, place);
  assert.ok(Math.abs(large.scale - 0.0952) < 1e-9);
});

test("zooming keeps the point under the pointer, within bounds", () => {
  const view = zoomAt({ x: 10, y: 20, scale: 1 }, 2, 110, 120);
  assert.deepEqual(view, { scale: 2, x: -90, y: -80 });
  assert.equal(zoomAt(view, 1e9, 0, 0).scale, scaleMax);
  assert.equal(zoomAt(view, 1e-9, 0, 0).scale, scaleMin);
});

test("a node that is seen does not move the picture, another one moves it as little as needed", () => {
  const view = { x: 0, y: 0, scale: 1 };
  assert.deepEqual(reveal(view, node("a", 100, 100), place), view);
  assert.deepEqual(reveal(view, node("a", 1000, 100), place), { scale: 1, x: -216, y: 0 });
  assert.deepEqual(reveal(view, node("a", 0, 0), place, { isCentred: true }), { scale: 1, x: 400, y: 276 });
});

test("arrows go to the nearest node in their direction", () => {
  const nodes = [node("top", 100, 0), node("left", 0, 96), node("right", 232, 96)];
  assert.equal(neighbour(nodes, nodes[0], "down")?.id, "left");
  assert.equal(neighbour(nodes, nodes[1], "right")?.id, "right");
  assert.equal(neighbour(nodes, nodes[1], "up")?.id, "top");
  assert.equal(neighbour(nodes, nodes[0], "up"), null);
});

test("a way bends only where it goes aside", () => {
  assert.equal(way([[0, 0], [0, 10]]), "M0 0L0 10");
  assert.equal(way([[0, 0], [10, 10]]), "M0 0C0 5 10 5 10 10");
  assert.equal(way([]), "");
});
