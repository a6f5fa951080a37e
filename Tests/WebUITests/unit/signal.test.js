// Signals: what follows what, when effects run, what ends with whom.
import assert from "node:assert/strict";
import { test } from "node:test";
import { Scope, computed, effect, flush, onEnd, signal, untracked } from "../../../Sources/WebUI/assets/core/signal.js";

test("an effect runs once for many changes, and not for a value that stays", () => {
  const count = signal(1);
  const isOdd = computed(() => count.value % 2 === 1);
  const seen = [];
  new Scope().run(() => effect(() => { seen.push(isOdd.value); }));
  count.value = 2;
  count.value = 3;
  flush();
  assert.deepEqual(seen, [true]);
  count.value = 4;
  flush();
  assert.deepEqual(seen, [true, false]);
});

test("a computed value is computed once per change, and only when it is asked for", () => {
  let times = 0;
  const source = signal("a");
  const upper = computed(() => { times += 1; return source.value.toUpperCase(); });
  assert.equal(times, 0);
  assert.equal(upper.value + upper.value, "AA");
  assert.equal(times, 1);
  source.value = "b";
  assert.equal(upper.peek(), "B");
  assert.equal(times, 2);
});

test("what an effect no longer reads does not run it", () => {
  const isOn = signal(true);
  const text = signal("x");
  let times = 0;
  new Scope().run(() => effect(() => { times += 1; if (isOn.value) text.value; }));
  isOn.value = false;
  flush();
  text.value = "y";
  flush();
  assert.equal(times, 2);
});

test("what belongs to a scope ends with it, the inner before it runs again", () => {
  const source = signal(0);
  const ends = [];
  const scope = new Scope();
  scope.run(() => effect(() => {
    const value = source.value;
    onEnd(() => ends.push(value));
  }));
  source.value = 1;
  flush();
  assert.deepEqual(ends, [0]);
  scope.end();
  source.value = 2;
  flush();
  assert.deepEqual(ends, [0, 1]);
});

test("untracked reading follows nothing; effects in a circle are stopped", () => {
  const source = signal(0);
  let times = 0;
  new Scope().run(() => effect(() => { times += 1; untracked(() => source.value); }));
  source.value = 1;
  flush();
  assert.equal(times, 1);
  new Scope().run(() => effect(() => { source.value = source.value + 1; }));
  assert.throws(() => flush(), /without end/);
});
