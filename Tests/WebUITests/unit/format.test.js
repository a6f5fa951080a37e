// Numbers, times and foreign texts as people read them; fuzzy finding; routes.
import assert from "node:assert/strict";
import { test } from "node:test";
import { ago, bytes, duration, plain, plainLines, plural } from "../../../Sources/WebUI/assets/core/format.js";
import { fuzzy } from "../../../Sources/WebUI/assets/core/fuzzy.js";
import { match } from "../../../Sources/WebUI/assets/core/router.js";

test("lengths of time have one or two units", () => {
  assert.deepEqual([0, 999, 1200, 9999, 10_000, 61_000, 3_600_000, 90_000_000, null].map(duration),
    ["0 ms", "999 ms", "1.2 s", "9.9 s", "10 s", "1 m 1 s", "1 h 0 m", "1 d 1 h", "–"]);
});

test("moments before and after now", () => {
  const now = Date.parse("2026-11-20T12:00:00Z");
  assert.equal(ago("2026-11-20T11:59:59Z", now), "now");
  assert.equal(ago("2026-11-20T11:55:00Z", now), "5 m ago");
  assert.equal(ago("2026-11-20T14:00:00Z", now), "in 2 h");
});

test("sizes and counts", () => {
  assert.deepEqual([12, 1500, 15_000, 2_500_000].map(bytes), ["12 B", "1.5 kB", "15 kB", "2.5 MB"]);
  assert.equal(plural(1, "run"), "1 run");
  assert.equal(plural(1200, "run"), "1,200 runs");
});

test("what turns, hides or breaks a line is shown as its code", () => {
  assert.equal(plain("a\u202eb\u200bc\u0007"), "a\\u202eb\\u200bc\\u0007");
  assert.equal(plain("a\nb\tc"), "a⏎b c");
  assert.equal(plain({ a: 1 }), '{"a":1}');
  assert.equal(plain("x".repeat(10), 3), "xxx…");
  assert.equal(plainLines("a\r\nb\u2066"), "a\nb\\u2066");
});

test("letters in their order fit, beginnings of words count more", () => {
  assert.equal(fuzzy("zz", "deploy"), null);
  assert.deepEqual(fuzzy("dp", "deploy-prod")?.at, [0, 7]);
  assert.ok((fuzzy("rel", "release")?.score ?? 0) > (fuzzy("rel", "my-barrel")?.score ?? 0));
  assert.deepEqual(fuzzy("", "x"), { score: 0, at: [] });
});

test("paths and their parameters", () => {
  assert.deepEqual(match("/ui/runs/:id", "/ui/runs/a%20b"), { id: "a b" });
  assert.deepEqual(match("/ui/runs", "/ui/runs/"), {});
  assert.equal(match("/ui/runs/:id", "/ui/runs"), null);
  assert.equal(match("/ui/runs/:id", "/ui/runs/%zz"), null);
});

test("what hides in a name is shown as its code, and a cut leaves no half sign", () => {
  assert.equal(plain("a\u2028b\u3164c\u00add\u{e0041}"), "a\\u2028b\\u3164c\\u00add\\u{e0041}");
  assert.equal(plain("ab\u{1f680}", 3), "ab…");
  assert.equal(plain("\u{1f680}é", 10), "\u{1f680}é");
});
