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

test("sources forget a computed value that nobody follows any more, and it is right all the same", () => {
  const source = signal(1);
  const double = computed(() => source.value * 2);
  const text = computed(() => `${double.value}`);
  assert.equal(text.value, "2");
  assert.equal(source.followers.size, 0);
  const scope = new Scope();
  const seen = [];
  scope.run(() => effect(() => { seen.push(text.value); }));
  assert.equal(source.followers.size, 1);
  source.value = 2;
  flush();
  scope.end();
  assert.equal(source.followers.size + double.followers.size + text.followers.size, 0);
  source.value = 3;
  assert.equal(text.peek(), "6");
  new Scope().run(() => effect(() => { seen.push(text.value); }));
  source.value = 4;
  flush();
  assert.deepEqual(seen, ["2", "4", "6", "8"]);
});

test("what is followed on and off is told of what changes afterwards", () => {
  const isOn = signal(true);
  const source = signal(1);
  const shown = computed(() => (isOn.value ? source.value : 0));
  const seen = [];
  new Scope().run(() => effect(() => { seen.push(shown.value); }));
  for (const [on, value] of [[false, 2], [true, 3], [true, 4], [false, 5], [true, 6]]) {
    isOn.value = on;
    source.value = value;
    flush();
  }
  assert.deepEqual(seen, [1, 0, 3, 4, 0, 6]);
});

test("a computed value that fails stops nobody else, and is right again when its sources are", () => {
  const source = signal("{}");
  const parsed = computed(() => JSON.parse(source.value));
  const seen = [];
  const told = [];
  const report = globalThis.reportError;
  globalThis.reportError = (error) => told.push(error.name);
  new Scope().run(() => {
    effect(() => { seen.push(Object.keys(parsed.value).length); });
    effect(() => { seen.push(source.value); });
  });
  source.value = "{";
  flush();
  source.value = '{"a":1}';
  flush();
  globalThis.reportError = report;
  assert.deepEqual(told, ["SyntaxError"]);
  assert.deepEqual(seen, [0, "{}", "{", 1, '{"a":1}']);
});
