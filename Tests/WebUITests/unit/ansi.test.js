// What a line's escape sequences turn into: colours are data, tricks are visible.
import assert from "node:assert/strict";
import { test } from "node:test";
import { plain } from "../../../Sources/WebUI/assets/core/format.js";
import { bare, parse, safeLink } from "../../../Sources/WebUI/assets/data/ansi.js";

const shape = (text) => parse(text).runs.map(({ text: shown, style, isCode }) => [shown, style.fg, style.bg, isCode]);

test("a plain line is one part", () => {
  assert.deepEqual(shape("hello"), [["hello", null, null, false]]);
  assert.deepEqual(parse("").runs, []);
});

test("the sixteen colours, bold and their end", () => {
  const { runs } = parse("\u001b[1;31mred\u001b[0m plain \u001b[92;44mgreen\u001b[39m on blue");
  assert.deepEqual(runs.map((run) => [run.text, run.style.fg, run.style.bg, run.style.isBold]), [
    ["red", 1, null, true], [" plain ", null, null, false], ["green", 10, 4, false], [" on blue", null, 4, false]]);
});

test("256 and true colours, with semicolons and with colons", () => {
  const text = "\u001b[38;5;196mA\u001b[48;2;1;2;3mB\u001b[38:2::255:0:128mC\u001b[38;5;3mD\u001b[38;5;244mE";
  assert.deepEqual(shape(text), [
    ["A", "#ff0000", null, false], ["B", "#ff0000", "#010203", false], ["C", "#ff0080", "#010203", false],
    ["D", 3, "#010203", false], ["E", "#808080", "#010203", false]]);
  assert.deepEqual(shape("\u001b[38;5;999mA\u001b[38;2;1mB\u001b[31mC"), [
    ["AB", null, null, false], ["C", 1, null, false]]);
});

test("movements, titles and other sequences are not shown and do nothing", () => {
  assert.equal(bare("a\u001b[2Jb\u001b[10;10Hc\u001b]0;title\u0007d\u001bPq#0\u001b\\e\u001b(Bf\u001b7g"), "abcdefg");
});

test("a sequence without an end hides nothing", () => {
  assert.deepEqual(parse("a\u001b]0;rest of it").runs.map((run) => run.text), ["a", "\\e", "]0;rest of it"]);
  assert.deepEqual(parse("x\u001b").runs.map((run) => run.text), ["x", "\\e"]);
  assert.deepEqual(parse("x\u001b[31").runs.map((run) => run.text), ["x", "\\e", "[31"]);
});

test("links go to the web or nowhere", () => {
  const link = (href) => parse(`\u001b]8;;${href}\u001b\\text\u001b]8;;\u001b\\`).runs[0].style.href;
  assert.equal(link("https://example.org/a?b"), "https://example.org/a?b");
  const others = ["javascript:alert(1)", "data:text/html,x", "file:///etc/passwd", "//example.org", "/ui", "https://"];
  for (const href of others) assert.equal(link(href), null);
  assert.equal(safeLink("https://example.org/\u202e"), null);
});

test("what turns, hides or breaks a line is its code", () => {
  assert.deepEqual(parse("a\u202eb\u200bc\u0000d\be").runs.map((run) => [run.text, run.isCode]), [
    ["a", false], ["\\u202e", true], ["b", false], ["\\u200b", true], ["c", false], ["\\u0000", true], ["d", false],
    ["\\u0008", true], ["e", false]]);
  assert.equal(parse("a\tb").runs[0].text, "a\tb");
});

test("what hides in a line is the same as in a name, and its code is nothing else's", () => {
  const text = "a\u00adb\u{e0041}c\u3164d\u034fe\u115ff\u180eg\uffa0";
  assert.equal(parse(text).runs.map((run) => run.text).join(""), plain(text));
  assert.equal(parse("\u{e0041}").runs[0].text, "\\u{e0041}");
  assert.equal(bare(text), text);
});

test("concealed text is shown", () => {
  assert.deepEqual(shape("\u001b[8mhidden"), [["hidden", null, null, false]]);
});

test("a carriage return writes over, and what was there is kept aside", () => {
  assert.deepEqual(parse("10%\r55%\r100%"), { runs: [
    { text: "100%", source: "100%", style: parse("x").runs[0].style, isCode: false }], hidden: "10%55%", rest: 0 });
  assert.equal(bare("rm -rf /\rok"), "ok -rf /");
  assert.equal(bare("a long line\r\u001b[Kshort"), "short");
  assert.equal(bare("a long line\u001b[2Kshort"), "short");
  assert.equal(bare("line\r"), "line");
  assert.equal(parse("line\r").hidden, "");
});

test("a long line is cut, not inside of a character, and the rest is counted", () => {
  assert.deepEqual([parse("x".repeat(10), 4).runs[0].text, parse("x".repeat(10), 4).rest], ["xxxx", 6]);
  assert.equal(parse("xxx😀", 4).runs[0].text, "xxx");
  assert.equal(parse(`\u001b[31m${"y".repeat(10)}`, 4).rest, 6);
});

test("a line made to be slow is read as fast as another", () => {
  const tail = "a".repeat(500_000);
  for (const text of [`${"\u009d".repeat(20_000)}${tail}`, `${"\u001bP".repeat(20_000)}${tail}`,
    `${"\u009d".repeat(20_000)}${tail}\u001b`, `${"\u001b]0;".repeat(20_000)}${tail}`,
    `\u001b[${"38;".repeat(200_000)}mx`, `${"\u009b0;".repeat(20_000)}${tail}`]) {
    const started = performance.now();
    parse(text, Infinity);
    assert.ok(performance.now() - started < 3000, `${JSON.stringify(text.slice(0, 9))}: ${performance.now() - started}`);
  }
  assert.equal(bare("\u009d\u009d0;a\u0007b\u001b]8;;x\u009cc\u009dd\u001b[1me"), "bc\u009dde");
});

test("ten thousand random lines are read without a failure and hide no letter", () => {
  let seed = 20_261_120;
  const random = (below) => {
    seed = (Math.imul(seed, 1_103_515_245) + 12_345) & 0x7fffffff;
    return (seed >> 8) % below;
  };
  const parts = ["\u001b[", "\u001b]", "31m", "8;;", "A", "b", ";", "\u0007", "\u001b\\",
    "\u202e", "38;5;", "Z", "\u001b(", "😀"];
  for (let round = 0; round < 10_000; round += 1) {
    const text = Array.from({ length: random(12) }, () => parts[random(parts.length)]).join("");
    const { runs } = parse(text);
    for (const run of runs) {
      assert.ok(run.source.length > 0, JSON.stringify(text));
      if (!run.isCode) assert.doesNotMatch(run.text, /[\u0000-\u0008\u000a-\u001f\u202a-\u202e]/, JSON.stringify(text));
    }
  }
});
