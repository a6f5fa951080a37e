// Decides which file a refusal's finding belongs to: a field is one only where it is the name of a file that was sent.
import assert from "node:assert/strict";
import test from "node:test";
import { findingsOf } from "../../../Sources/WebUI/assets/data/plan-findings.js";

const sent = { files: { "plan.yaml": "", "more.txt": "" }, main: "plan.yaml" };

test("a finding is in the file that it names, at its place", () => {
  const [found] = findingsOf({ errors: [{ field: "more.txt", line: 3, column: 4, message: "no such step", hint: "add it" }] }, sent);
  assert.deepEqual(found, { severity: "error", file: "more.txt", line: 3, column: 4, message: "no such step", hint: "add it" });
});

test("a field that is no file is said before the message, and is found in the main file", () => {
  const found = findingsOf({ errors: [{ field: "steps.deploy", message: "has no action" }, { message: "is too long" },
    { field: "constructor", message: "is unknown" }] }, sent);
  assert.deepEqual(found.map((one) => [one.file, one.line, one.message]), [["plan.yaml", 1, "steps.deploy: has no action"],
    ["plan.yaml", 1, "is too long"], ["plan.yaml", 1, "constructor: is unknown"]]);
});
