// Numbers too large for a browser's own are read, written and sent without a digit lost.
import assert from "node:assert/strict";
import { test } from "node:test";
import { inputToSend, isRounded, jsonToSend, parseExactly, writeExactly } from "../../../Sources/WebUI/assets/data/exact.js";

test("what is read is written as it was", () => {
  for (const text of ['{"a":[9007199254740993,-9223372036854775808,1.5,2],"9007199254740993":"9007199254740993"}',
    '"\\"9007199254740993"', "9007199254740993", '{"__proto__":{"id":9007199254740993}}', "1e+30"]) {
    assert.equal(writeExactly(parseExactly(text)), text);
  }
  assert.equal(parseExactly("[12,9007199254740993]")[1], 9007199254740993n);
});

test("what is no JSON stays none, nor is a number beyond all one", () => {
  for (const text of ["09007199254740993", "9007199254740993x", "1e400", "[1e400]", "9007199254740993 1"]) {
    assert.throws(() => parseExactly(text));
  }
});

test("a document that may have lost digits is known, and only what would lose them goes as text", () => {
  assert.equal(isRounded({ a: [1, { b: 9007199254740993 }] }), true);
  assert.equal(isRounded({ a: [1, "9007199254740993", 1.5, null] }), false);
  assert.equal(inputToSend({ a: [9007199254740993n] }), '{"a":[9007199254740993]}');
  const plain = { a: 1 };
  assert.equal(inputToSend(plain), plain);
});

test("what somebody wrote is sent as it is, or refused", () => {
  assert.deepEqual(jsonToSend('{"by":"ada","tries":[1,2.5,null]}'), { by: "ada", tries: [1, 2.5, null] });
  assert.equal(jsonToSend("null"), null);
  for (const text of ["9007199254740993", '{"a":[9007199254740993]}', "1e400"]) assert.throws(() => jsonToSend(text), RangeError);
  for (const text of ["{by: ada}", "", "09007199254740993"]) assert.throws(() => jsonToSend(text), SyntaxError);
});

test("a text that ends within its quotes is an error at once", () => {
  const started = performance.now();
  assert.throws(() => parseExactly(`{"open: ${"x".repeat(10_000)}`), SyntaxError);
  assert.ok(performance.now() - started < 1000);
});
