// The node's clock beside the browser's: what is believed of it, and what is too vague.
import assert from "node:assert/strict";
import { test } from "node:test";
import { hear, now, present } from "../../../Sources/WebUI/assets/core/clock.js";
import { moment } from "../../../Sources/WebUI/assets/core/format.js";

/** As an answer tells it: whole seconds. */
const date = (/** @type {number} */ at) => new Date(Math.floor(at / 1000) * 1000).toUTCString();

test("the node's clock is followed where they differ, and does not jump where they nearly agree", (t) => {
  const begin = Date.parse("2026-11-20T12:00:00Z");
  t.mock.timers.enable({ apis: ["Date"], now: begin });
  hear(date(begin + 1000), begin);
  assert.equal(present(), begin, "within the doubt nothing is changed");
  const seen = new Set();
  // 2.4 s off, told in whole seconds: now and then it looks like more than the doubt.
  for (let round = 0; round < 40; round += 1) {
    t.mock.timers.tick(1130);
    hear(date(Date.now() + 2400), Date.now());
    seen.add(present() - Date.now());
  }
  assert.ok(seen.size <= 2, `it settles: ${[...seen]}`);
  hear(date(Date.now() + 86_400_000), Date.now());
  assert.ok(Math.abs(present() - Date.now() - 86_400_000) <= 500);
  assert.equal(now.peek(), present());
  assert.match(moment(new Date(present()).toISOString()), /^\d\d:\d\d:\d\d$/, "today is the node's");
  hear(date(Date.now()), Date.now() - 3000);
  assert.ok(present() - Date.now() > 80_000_000, "what took long tells little");
  hear(date(Date.now()), Date.now());
  assert.ok(Math.abs(present() - Date.now()) <= 500, "and back");
});
