// Decides what a line in the command bar means, and what is offered for it.
import assert from "node:assert/strict";
import test from "node:test";
import { commands, milliseconds, parse, quoted, saidAs, tokens, usage } from "../../../Sources/WebUI/assets/data/commands.js";
import { remembered, suggest, wanted } from "../../../Sources/WebUI/assets/data/suggest.js";

const all = () => true;
const known = (sources = {}, recent = [], may = all) => ({ sources, recent, may });
const runs = [{ value: "m6at8pyh2f0q7", text: "index-search", detail: "running · p4 / B", state: "running", href: "/ui/runs/m6at8pyh2f0q7" },
  { value: "f3eydsfc0k2m1", text: "deploy-api", detail: "failed · p4 / B", state: "failed", href: "/ui/runs/f3eydsfc0k2m1" }];

test("words are split at blanks, quotes keep them together", () => {
  assert.deepEqual(tokens(`run deploy note="two words" 'x y'`).map((token) => token.text), ["run", "deploy", "note=two words", "x y"]);
  assert.equal(quoted("two words"), '"two words"');
  assert.equal(quoted("plain"), "plain");
  for (const value of ["a b", `say "x" now`, "plain"]) assert.equal(tokens(quoted(value))[0].text, value);
});

test("a verb is what it is called here and on the command line", () => {
  for (const line of ["retry abc", "runs retry abc", "opsroom runs retry abc", "RETRY abc"]) assert.equal(parse(line)?.command.name, "retry");
  assert.equal(parse("pause lane p4/A")?.command.name, "pause lane");
  assert.equal(parse("please restart billing"), null);
});

test("no two verbs are said alike", () => {
  const said = commands.flatMap(saidAs);
  assert.equal(new Set(said).size, said.length);
});

test("a run takes its template, inputs and options", () => {
  const said = parse('run deploy env=staging note="two words" --session p4 --lane=B');
  assert.deepEqual([said.args, said.pairs, said.options, said.isComplete],
    [["deploy"], { env: "staging", note: "two words" }, { session: "p4", lane: "B" }, true]);
  assert.equal(parse("run deploy --session").isComplete, false);
  assert.equal(parse("run").isComplete, false);
});

test("what is left is one text, as it was written", () => {
  assert.deepEqual(parse("cancel abc  wrong   customer").args, ["abc", "wrong   customer"]);
  assert.deepEqual(parse('skip abc publish "done on my machine"').args, ["abc", "publish", "done on my machine"]);
  assert.equal(parse("skip abc publish").isComplete, false);
  assert.equal(parse("cancel abc").isComplete, true);
});

test("what is typed now says which values are wanted", () => {
  assert.deepEqual(wanted("retry in"), { kinds: ["run"], text: "in", of: "in" });
  assert.deepEqual(wanted("retry ").kinds, ["run"]);
  assert.deepEqual(wanted("skip abc pu"), { kinds: ["step"], text: "pu", of: "abc" });
  assert.deepEqual(wanted("run deploy e"), { kinds: ["input"], text: "e", of: "deploy" });
  assert.deepEqual(wanted("retry abc --from ").kinds, ["from"]);
  assert.deepEqual(wanted("pause lane p4/").kinds, ["place"]);
  assert.deepEqual(wanted("theme ").kinds, []);
  assert.deepEqual(wanted("index").kinds, ["run", "template", "session"]);
});

test("nothing typed offers what was used lately, then every verb that is allowed", () => {
  const offered = suggest("", known({}, ["retry abc"], (scope) => scope !== "admin"));
  assert.equal(offered[0].group, "Recent");
  assert.equal(offered[0].line, "retry abc");
  assert.ok(offered.some((one) => one.id === "command cancel"));
  assert.ok(!offered.some((one) => one.id === "command drain"));
});

test("a few letters find the verb, one that was used lately first", () => {
  assert.equal(suggest("ret", known())[0].id, "command retry");
  assert.equal(suggest("ses", known({}, ["archive session old"]))[0].id, "command archive session");
  assert.equal(suggest("thm", known())[0].id, "command theme");
});

test("behind a verb its values are offered; the one that makes the line whole can be done at once", () => {
  const offered = suggest("retry inde", known({ run: runs }));
  assert.equal(offered[0].line, "retry m6at8pyh2f0q7");
  assert.ok(offered[0].isReady);
  assert.deepEqual(suggest("theme d", known()).filter((one) => one.isReady)[0].line, "theme dark");
  assert.equal(suggest("run dep", known({ template: [{ value: "deploy", text: "deploy" }] }))[0].line, "run deploy ");
  const inputs = suggest("run deploy e", known({ input: [{ value: "env=", text: "env=" }] }));
  assert.ok(inputs.some((one) => one.line === "run deploy env=" && !one.isReady));
  // Half a word is no input yet.
  assert.ok(!inputs.some((one) => one.id === "ready"));
});

test("a value that is typed whole, and an option's value, end the line", () => {
  assert.ok(suggest("cancel m6at8pyh2f0q7", known({ run: runs }))[0].isReady);
  const lanes = ["A", "B"].map((value) => ({ value, text: value }));
  assert.deepEqual(suggest("run deploy env=x --lane B", known({ lane: lanes })).map((one) => [one.line, one.isReady])[0],
    ["run deploy env=x --lane B", true]);
});

test("an approval brings its step with it", () => {
  const offered = suggest("approve ", known({ approval: [{ value: "abc", text: "release: sign-off", line: "abc sign-off" }] }));
  assert.equal(offered[0].line.trim(), "approve abc sign-off");
  assert.ok(parse(offered[0].line).isComplete);
});

test("what is there is found by a part of its name, and opened", () => {
  const found = suggest("deploy-a", known({ run: runs })).find((one) => one.href);
  assert.equal(found?.href, "/ui/runs/f3eydsfc0k2m1");
  assert.equal(suggest("metrics", known()).find((one) => one.href)?.href, "/ui/metrics");
});

test("plain text is answered, and can be searched for", () => {
  const offered = suggest("please restart the billing worker", known());
  assert.deepEqual(offered.map((one) => one.id), ["plain", "find"]);
  assert.equal(parse(offered[1].line).args[0], "please restart the billing worker");
});

test("recent lines are there once, the latest first", () => {
  assert.deepEqual(remembered(["a", "b"], "b"), ["b", "a"]);
  assert.equal(remembered(Array.from({ length: 30 }, (_, at) => `${at}`), "x").length, 20);
});

test("lengths of time, and how a verb is written", () => {
  assert.deepEqual(["90s", "30m", "1.5h", "2d", "5", "x"].map(milliseconds), [90_000, 1_800_000, 5_400_000, 172_800_000, null, null]);
  assert.equal(usage(commands[0]), "run <template> [input=value]");
});
