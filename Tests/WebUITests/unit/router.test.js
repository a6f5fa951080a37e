// Addresses: which page a path is, and fragments that nobody encoded.
import assert from "node:assert/strict";
import { test } from "node:test";

globalThis.location = { pathname: "/ui/runs/a", search: "?tab=log", hash: "#100%" };
globalThis.history = { pushState() {}, replaceState() {} };
const { fragment, match, navigate, path, query, setQuery } =
  await import("../../../Sources/WebUI/assets/core/router.js");

test("a path gives its parameters, or is another pattern's", () => {
  assert.deepEqual(match("/ui/runs/:id", "/ui/runs/a%2Fb/"), { id: "a/b" });
  assert.equal(match("/ui/runs/:id", "/ui/runs"), null);
  assert.equal(match("/ui/runs/:id", "/ui/runs/%"), null);
});

test("a fragment that is no code is taken as it stands, and stays when a filter changes", () => {
  assert.equal(fragment.peek(), "100%");
  setQuery({ tab: "graph" });
  assert.equal(`${path.peek()}?${query.peek()}#${fragment.peek()}`, "/ui/runs/a?tab=graph#100%");
  navigate("/ui/runs/a#L%31");
  assert.equal(fragment.peek(), "L1");
  setQuery({ q: "a b" });
  assert.equal(fragment.peek(), "L1");
});
