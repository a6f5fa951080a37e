// A form's fields come from a schema, and their texts mean values or say what is wrong.
import assert from "node:assert/strict";
import { test } from "node:test";
import { fieldsOf, read, textOf } from "../../../Sources/WebUI/assets/data/schema.js";

const inputs = { rows: { type: "integer", default: 5 }, name: { type: "string" }, deep: { type: "object",
  default: { a: 1 } },
  file: { type: "string", format: "path", default: "/tmp" }, mode: { type: "string", enum: ["day", "night"] } };
const field = (name) => fieldsOf(inputs).find((one) => one.name === name);

test("inputs without a default are needed and stand first", () => {
  assert.deepEqual(fieldsOf(inputs).map((one) => one.name), ["name", "mode", "rows", "deep", "file"]);
  assert.equal(field("name").isRequired, true);
});

test("a JSON schema's properties are fields, needed where it says so", () => {
  const fields = fieldsOf({ type: "object", required: ["b"], properties: { a: { type: "boolean" }, b: { enum: [1, 2],
    title: "B!" } } });
  assert.deepEqual(fields.map((one) => [one.name, one.type, one.isRequired, one.title]), [["b", "integer", true,
    "B!"], ["a", "boolean", false, "a"]]);
});

test("texts mean values of the field's type", () => {
  assert.deepEqual(read(field("rows"), " 12 "), { value: 12 });
  assert.match(read(field("rows"), "1.5").error, /whole/);
  assert.deepEqual(read(field("deep"), '{"a": [1]}'), { value: { a: [1] } });
  assert.match(read(field("deep"), "[1]").error, /object/);
  assert.deepEqual(read(field("mode"), "1"), { value: "night" });
  assert.match(read(field("file"), "relative").error, /absolute/);
});

test("no digit of a large number is lost: it goes as its text where the node reads one, else it is refused", () => {
  assert.deepEqual(read(field("rows"), "9007199254740993"), { value: "9007199254740993" });
  assert.deepEqual(read(field("deep"), '{"id": -9007199254740993}'), { value: '{"id":-9007199254740993}' });
  assert.match(read(field("rows"), "9223372036854775808").error, /at most 9223372036854775807/);
  assert.match(read(field("deep"), '{"id": 1e400}').error, /object/);
  const [one] = fieldsOf({ type: "object", properties: { n: { type: "integer", maximum: 2 } } });
  assert.equal(read(one, "9007199254740993").error, "at most 2");
  const [two] = fieldsOf({ type: "object", properties: { n: { type: "integer" } } });
  assert.match(read(two, "9007199254740993").error, /too large for this page/);
});

test("whether something holds is chosen where nothing was said of it before", () => {
  const [must, may] = fieldsOf({ type: "object", required: ["a"], properties: { a: { type: "boolean" },
    b: { type: "boolean" } } });
  assert.equal(read(must, "").error, "choose one");
  assert.deepEqual(read(may, ""), {});
  assert.deepEqual(read(may, "false"), { value: false });
  assert.equal(textOf(may, undefined), "");
  assert.equal(textOf(may, true), "true");
});

test("nothing said is nothing, or an error where it is needed; an empty text may be a value", () => {
  assert.deepEqual(read(field("rows"), ""), {});
  assert.equal(read(field("name"), "").error, "this is needed");
  assert.equal(read(field("mode"), "").error, "choose one");
  assert.deepEqual(read(fieldsOf({ t: { type: "string", default: "x" } })[0], ""), { value: "" });
});

test("rules of a schema are told", () => {
  const [one] = fieldsOf({ type: "object", properties: { n: { type: "integer", minimum: 3 } } });
  assert.equal(read(one, "2").error, "at least 3");
  assert.deepEqual(read(one, "3"), { value: 3 });
});

test("values become the texts of their fields", () => {
  assert.equal(textOf(field("mode"), "night"), "1");
  assert.equal(textOf(field("rows"), 7), "7");
  assert.equal(textOf(field("name"), undefined), "");
  assert.equal(textOf(field("mode"), "noon"), "");
  assert.equal(textOf(field("deep"), { id: 9007199254740993n }), '{\n  "id": 9007199254740993\n}');
});
