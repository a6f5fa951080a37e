// Decides that what the command bar offers belongs to what is typed, however late an answer comes.
import assert from "node:assert/strict";
import test from "node:test";
import { sources, trouble, want } from "../../../Sources/WebUI/assets/parts/palette/sources.js";

/** Requests that wait for their answers, by address. @type {Map<string, (document: any) => void>} */
const asked = new Map();
globalThis.fetch = (path) => new Promise((resolve) => {
  asked.set(path, (document) => resolve(new Response(JSON.stringify(document), { status: document.detail ? 500 : 200 })));
});

/** @param {() => any} holds */
async function until(holds) {
  while (!holds()) await new Promise((resolve) => setTimeout(resolve, 5));
  return holds();
}
const names = (kind) => (sources.peek()[kind] ?? []).map((one) => one.value);

/** Answers what is asked about a run: a step of its own name. */
async function answer(run) {
  (await until(() => asked.get(`/v1/runs/${run}?include=steps`)))({ plan_digest: `of-${run}`, steps: [] });
  (await until(() => asked.get(`/v1/plans/of-${run}`)))({ steps: [{ id: `step-of-${run}` }] });
}

test("steps of a run that is typed no more never stand for another's", async () => {
  want({ kinds: ["step"], text: "", of: "x" });
  await until(() => asked.has("/v1/runs/x?include=steps"));
  want({ kinds: ["step"], text: "", of: "y" });
  await answer("y");
  await until(() => names("step")[0] === "step-of-y");
  await answer("x");
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.deepEqual(names("step"), ["step-of-y"]);
  want({ kinds: ["step"], text: "", of: "z" });
  assert.deepEqual(names("step"), [], "until they are there none are offered");
});

test("no values are asked for where it is not said whose; a late failure is not told", async () => {
  asked.clear();
  want({ kinds: ["from"], text: "", of: "" });
  want({ kinds: ["run"], text: "a", of: "" });
  const late = await until(() => [...asked].find(([path]) => path.startsWith("/v1/runs?"))?.[1]);
  want({ kinds: [], text: "", of: "" });
  late({ detail: "it is away" });
  await new Promise((resolve) => setTimeout(resolve, 20));
  assert.equal(trouble.peek(), "");
  assert.ok(![...asked.keys()].some((path) => path.includes("include=steps")));
});

test("what the node finds says for which text", async () => {
  asked.clear();
  want({ kinds: ["run"], text: "refused", of: "" });
  (await until(() => [...asked].find(([path]) => path.includes("text=refused"))?.[1]))({ runs: [{ id: "r", plan: "p", status: "failed", session: "s", lane: "A" }] });
  await until(() => names("run").length > 0);
  assert.equal(sources.peek().run[0].foundBy, "refused");
});
