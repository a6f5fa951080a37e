// What a plan says of a step is told in words.
import assert from "node:assert/strict";
import { test } from "node:test";
import { actionFacts, checkText, commandLine, kindOf, nameOf, open,
  retryText } from "../../../Sources/WebUI/assets/data/plan.js";

test("an action is known by its kind, waits by what they wait for", () => {
  assert.equal(open({ shell: { _0: { argv: ["ls"] } } }).kind, "shell");
  assert.equal(open({ fanOut: { _0: {} } }).kind, "fan_out");
  assert.equal(kindOf(/** @type {any} */ ({ action: { wait: { _0: { approval: { _0: { count: 2 } } } } } })),
    "approval");
  assert.equal(kindOf(/** @type {any} */ ({ action: { wait: { _0: { signal: { _0: {} } } } } })), "wait_signal");
  assert.equal(open({ sleep: { milliseconds: 50 } }).body.milliseconds, 50);
  assert.equal(open(null).kind, "");
});

test("a command line is quoted where a shell would need it", () => {
  assert.equal(commandLine(["sh", "-c", "echo it's"]), "sh -c 'echo it'\\''s'");
});

test("facts leave out what is not said", () => {
  const facts = actionFacts({ shell: { _0: { argv: ["a", "b c"], environment: {}, background: false } } });
  assert.deepEqual(facts, [{ name: "Command", value: "a 'b c'", isCode: true }]);
  const http = actionFacts({ http: { _0: { method: "POST", url: "https://x", headers: { a: "1" }, redirectsMax: 0,
    body: { json: { _0: { b: 2 } } } } } });
  assert.deepEqual(http.map((fact) => fact.name), ["Request", "Headers", "Body"]);
  assert.equal(http[2].value, '{"b":2}');
});

test("a check is a sentence's part", () => {
  assert.equal(checkText({ check: { shell: { _0: { exit: 0, stdoutMatch: "ok" } } } }),
    "the program exits with 0 and prints /ok/");
  assert.equal(checkText({ check: { custom: { assert: "{{ outputs.n > 0 }}" } } }), "{{ outputs.n > 0 }}");
  assert.equal(checkText({ check: { checksum: { _0: { file: "a.txt" } } } }), "records the SHA-256 of a.txt");
});

test("a retry of one attempt is none, and a step without a title has its id", () => {
  assert.equal(retryText({ maxAttempts: 1 }), null);
  assert.match(retryText({ maxAttempts: 3, backoffMilliseconds: 1000, multiplier: 2, when: ["exit"] }),
    /up to 3 attempts, 1.0 s × 2 apart, on exit/);
  assert.equal(nameOf({ id: "a" }), "a");
});
