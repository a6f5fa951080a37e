// Decides that the command bar takes lines of the command line, and does something for each of its verbs.
import assert from "node:assert/strict";
import test from "node:test";
import { commands, offered, onlyElsewhere, parse, quoted, tokens, usage } from "../../../Sources/WebUI/assets/data/commands.js";
import { valuesOf } from "../../../Sources/WebUI/assets/data/inputs.js";
import { fieldsOf, read, textOf } from "../../../Sources/WebUI/assets/data/schema.js";
import { ranges } from "../../../Sources/WebUI/assets/data/shards.js";
import { suggest } from "../../../Sources/WebUI/assets/data/suggest.js";
import { verbs } from "../../../Sources/WebUI/assets/parts/palette/act.js";

/** What a line that can be done means: its verb, arguments, options. */
const meant = (line) => {
  const said = parse(line);
  assert.equal(said?.wrong, null, `${line}: ${said?.wrong?.text}`);
  assert.ok(said?.isComplete, line);
  return [said?.command.name, [...said?.args ?? []], { ...said?.options, ...said?.many, ...said?.pairs }];
};
const wrong = (line) => `${parse(line)?.wrong?.text}; ${parse(line)?.wrong?.next}`;

test("every verb has something that it does, and nothing is done that cannot be said", () => {
  assert.deepEqual(Object.keys(verbs).sort(), commands.map((command) => command.name).sort());
});

test("flags of the command line are what they are there", () => {
  const lines = {
    'opsroom runs skip X deploy --note "did it"': ["skip", ["X", "deploy", "did it"], {}],
    "opsroom runs cancel X --reason 'wrong customer'": ["cancel", ["X", "wrong customer"], {}],
    "opsroom runs snooze X --for 30m": ["snooze", ["X", "30m"], {}],
    "opsroom runs snooze --for=30m X": ["snooze", ["X", "30m"], {}],
    "opsroom runs move X --lane B": ["move", ["X", "B"], {}],
    "opsroom runs move X --first": ["move", ["X"], { first: "true" }],
    "opsroom runs priority X --to 5": ["priority", ["X", "5"], {}],
    "opsroom runs priority X --to -1": ["priority", ["X", "-1"], {}],
    "priority X -1": ["priority", ["X", "-1"], {}],
    "opsroom runs signal X paid --payload '{\"amount\": 12}' --key o-1": ["signal", ["X", "paid", '{"amount": 12}'], { key: "o-1" }],
    "opsroom runs retry X --from build -i env=prod --detach -o json": ["retry", ["X"], { from: "build", env: "prod" }],
    "opsroom runs list --status failed,timed_out --status=-dead --quiet": ["list", [], { status: ["failed,timed_out", "-dead"], quiet: "true" }],
    'opsroom sessions create a --intent "spring" --lane A --lane B:4:10': ["new session", ["a", "spring"], { lane: ["A", "B:4:10"] }],
    "opsroom approvals approve X release --comment ok --form window=night": ["approve", ["X", "release", "ok"], { window: "night" }],
    "opsroom approvals approve X": ["approve", ["X"], {}],
    "opsroom lanes pause a/B --key k --reason away": ["pause lane", ["a/B", "away"], { key: "k" }],
    "opsroom lanes set a/B --width 4 --limit bank --limit mail": ["set lane", ["a/B"], { width: "4", limit: ["bank", "mail"] }],
    "opsroom limits set bank --rate 100/m:20": ["set limit", ["bank", "100/m:20"], {}],
    "opsroom bulk retry --filter status=failed --filter plan=release --yes": ["bulk retry", [], { filter: ["status=failed", "plan=release"] }],
    "opsroom runs cancel --filter status=queued --dry-run": ["cancel", [], { filter: ["status=queued"], "dry-run": "true" }],
    "opsroom dead discard X --note 'by hand'": ["discard", ["X", "by hand"], {}],
    "opsroom dead": ["dead list", [], {}],
    "opsroom nodes drain n2 --no-wait -w": ["drain", ["n2"], {}],
    "opsroom nodes evict n2 --yes": ["evict", ["n2"], {}],
    "opsroom shards move 7 12-19 --to n2 --dry-run": ["move shards", ["7", "12-19"], { to: "n2", "dry-run": "true" }],
    "opsroom retention set --runs 90d --events forever": ["keep", [], { runs: "90d", events: "forever" }],
    "opsroom schedules backfill nightly --from 2026-11-01T00:00:00Z --to 2026-11-07T00:00:00Z":
      ["backfill", ["nightly", "2026-11-01T00:00:00Z", "2026-11-07T00:00:00Z"], {}],
    "opsroom schedules delete nightly --yes": ["delete schedule", ["nightly"], {}],
    "opsroom tokens revoke 4f1c": ["revoke token", ["4f1c"], {}],
    "notes off": ["notes", ["off"], {}],
  };
  for (const [line, wanted] of Object.entries(lines)) assert.deepEqual(meant(line), wanted, line);
});

test("what is not known is refused with what is, and never taken as a text", () => {
  assert.match(wrong("cancel X --because bad"), /“--because” is not known here; “cancel” takes --reason/);
  assert.match(wrong("skip X deploy did it --note again"), /said twice|one word too many/);
  assert.match(wrong("skip X deploy --note did it"), /“it” is one word too many/);
  assert.match(wrong("drain n2 --dry-run"), /takes no options/);
  assert.match(wrong("retry X Y"), /“Y” is one word too many/);
  assert.match(wrong("run deploy env=a --priority abc"), /no whole number/);
  assert.match(wrong("priority X high"), /no whole number/);
  assert.match(wrong("snooze X soon"), /no length of time/);
  assert.match(wrong("theme pink"), /there are dark, light, system/);
  assert.match(wrong("run deploy note=two words"), /“words” is no input/);
  assert.match(wrong("retry X --from"), /--from needs a value/);
  assert.match(wrong("list --server https://x"), /not for here/);
  assert.match(wrong("cancel X --reason a --reason b"), /said twice/);
  assert.equal(parse("move shards 7")?.isComplete, false);
  assert.equal(usage(commands.find((command) => command.name === "move shards")), "move shards <7 12-19> --to <node>");
  for (const command of commands) for (const name of offered(command)) assert.match(name, /^[a-z-]+$/);
});

test("words are as a shell has them; a name is one word and no option, whatever it holds", () => {
  assert.deepEqual(tokens(String.raw`a\ b "say \"x\"" 'it''s' "" it's`).map((token) => token.text), ["a b", 'say "x"', "its", "", "it's"]);
  for (const name of ["--yes", "-x", `a "b" 'c'`, String.raw`C:\x "y"`, "two words", "", `"; cancel all`, "__proto__"]) {
    assert.equal(tokens(`run ${quoted(name)} x`)[1].text, name);
    assert.deepEqual(parse(`show template ${quoted(name)}`)?.args, [name]);
  }
  assert.deepEqual(parse("cancel X it's the customer's wish")?.args, ["X", "it's the customer's wish"]);
  assert.deepEqual(parse('cancel X "a" and "b"')?.args, ["X", '"a" and "b"']);
  const offered = suggest("run ", { sources: { template: [{ value: "--yes x", text: "--yes x" }] }, recent: [], may: () => true });
  assert.equal(offered[0].line, 'run "--yes x" ');
});

test("what only a machine can do is said so", () => {
  assert.match(onlyElsewhere("opsroom certs ca --out x"), /“opsroom certs” makes certificates/);
  assert.match(onlyElsewhere("cluster local 3"), /starts nodes/);
  assert.equal(parse("opsroom cluster local 3"), null);
  assert.equal(onlyElsewhere("node n2"), "");
  assert.equal(parse("cluster status")?.command.name, "cluster status");
});

test("a run that the node found by its failure is offered for that text alone", () => {
  const value = { value: "m6at8pyh2f0q7", text: "deploy", detail: "failed", href: "/ui/runs/m6at8pyh2f0q7", foundBy: "connection refused" };
  const known = { sources: { run: [value] }, recent: [], may: () => true };
  assert.equal(suggest("connection refused", known).find((one) => one.href)?.href, value.href);
  assert.ok(!suggest("connection refused by", known).some((one) => one.href === value.href));
});

test("options are offered once, with their own values", () => {
  const known = { sources: {}, recent: [], may: () => true };
  const lines = (line) => suggest(line, known).map((one) => one.line.trim());
  assert.ok(lines("trigger nightly --").includes("trigger nightly --overlap"));
  assert.ok(lines("trigger nightly --overlap ").includes("trigger nightly --overlap queue"));
  assert.ok(!lines("run deploy --lane B --").includes("run deploy --lane B --lane"));
});

test("texts are values by their field's type; what fits none stays to be put right", () => {
  const inputs = { count: { type: "integer" }, list: { type: "array" }, level: { enum: [1, 2] }, name: { type: "string" }, go: { type: "boolean" } };
  const values = valuesOf(inputs, { count: "3", list: "[1]", level: "2", name: "3", go: "true", other: "x" });
  assert.deepEqual(values, { count: 3, list: [1], level: 2, name: "3", go: true, other: "x" });
  const fields = Object.fromEntries(fieldsOf(inputs).map((field) => [field.name, field]));
  assert.equal(textOf(fields.count, values.count), "3");
  assert.deepEqual(read(fields.level, textOf(fields.level, values.level)), { value: 2 });
  assert.equal(textOf(fields.count, valuesOf(inputs, { count: "many" }).count), "many");
  assert.match(read(fields.count, "many").error, /whole number/);
});

test("shards are numbers and ranges", () => {
  assert.deepEqual(ranges(["7", "3-5", "5,1023"]), [3, 4, 5, 7, 1023]);
  for (const words of [["x"], ["5-3"], ["1024"], [""], ["1-"]]) assert.equal(ranges(words), null);
});
