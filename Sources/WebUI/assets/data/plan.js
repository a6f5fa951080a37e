// What a plan says, read from its canonical JSON: what a step does, what it checks, in words. Pure.
// @ts-check
import { duration } from "../core/format.js";

/**
 * @typedef {{id: string, title?: string, needs: string[], condition?: string, preconditions: any[], action: any,
 *   effects: string, timeoutMilliseconds: number, retry?: any, outputs: Record<string, any>, verify: any[],
 *   rollback: any[], artifacts: any[], snooze?: any}} PlanStep
 * @typedef {{name: string, version?: string, title?: string, inputs: Record<string, any>, secrets: string[],
 *   environment: string[], maxParallel: number, timeoutMilliseconds: number, retry: any, outputs: Record<string, any>,
 *   steps: PlanStep[]}} Plan
 * @typedef {{name: string, value: any, isCode?: boolean, href?: string}} Fact
 */

const words = /** @type {Record<string, string>} */ ({ fanOut: "fan_out", signal: "wait_signal",
  jsonSchema: "json_schema" });

/**
 * The kind of an action or check and what it holds: `{"shell": {"_0": {…}}}` is `shell`.
 * @param {any} tagged
 * @returns {{kind: string, body: any}}
 */
export function open(tagged) {
  const name = Object.keys(tagged ?? {})[0] ?? "";
  const body = tagged?.[name]?._0 ?? tagged?.[name] ?? {};
  if (name === "wait") return open(body);
  return { kind: words[name] ?? name, body };
}

/**
 * The kind of a step's action, as `shell`.
 * @param {PlanStep | undefined | null} step
 */
export const kindOf = (step) => open(step?.action).kind;

/**
 * What a step is called.
 * @param {{id: string, title?: string} | null | undefined} step
 */
export const nameOf = (step) => step?.title || step?.id || "";

/**
 * A template's value as text.
 * @param {any} value
 */
const text = (value) => (typeof value === "string" ? value : JSON.stringify(value));

/**
 * One word of a command line, quoted where a shell would need it.
 * @param {any} word
 */
function quoted(word) {
  const plain = text(word) ?? "";
  return /^[\w@%+=:,./{}-]+$/.test(plain) ? plain : `'${plain.replaceAll("'", "'\\''")}'`;
}

/**
 * A command line.
 * @param {any[]} argv
 */
export const commandLine = (argv) => (argv ?? []).map(quoted).join(" ");

/**
 * What an action does, as names and values.
 * @param {any} action
 * @returns {Fact[]}
 */
export function actionFacts(action) {
  const { kind, body } = open(action);
  switch (kind) {
    case "shell": return facts([
      ["Command", commandLine(body.argv), true], ["Environment", members(body.environment), true],
      ["Directory", body.directory && text(body.directory), true], ["Standard input", body.stdin && text(body.stdin),
        true],
      ["Background", body.background ? "goes on while the next steps run" : null],
    ]);
    case "http": return facts([
      ["Request", `${body.method} ${text(body.url)}`, true], ["Headers", members(body.headers), true],
      ["Body", body.body && text(open(body.body).body), true],
      ["Redirects", body.redirectsMax > 0 ? `follows up to ${body.redirectsMax}` : null],
    ]);
    case "sql": return facts([
      ["Query", body.query ?? (body.file && `file ${text(body.file)}`), true], ["Parameters",
        members(body.parameters), true],
      ["Database", databaseOf(body.database)], ["Transaction", body.transaction === false ? "none" : null],
    ]);
    case "sleep": return facts([["Sleeps", duration(body.milliseconds)]]);
    case "fan_out": return [
      ...facts([["For each of", text(body.over), true], ["At once", String(body.maxParallel)], ["Does",
      open(body.action).kind]]),
      ...actionFacts(body.action),
    ];
    case "run": return [
      { name: "Runs plan", value: body.planName, href: `/ui/plans/${body.planDigest}` },
      ...facts([["With inputs", members(body.inputs), true]]),
    ];
    case "wait_signal": return facts([
      ["Waits for signal", text(body.name), true], ["At most", limit(body.timeoutMilliseconds)],
      ["When time is over", body.onTimeout === "continue" ? "goes on with the default" : "fails"],
      ["Default", body.fallback === undefined || body.fallback === null ? null : text(body.fallback), true],
    ]);
    case "approval": return facts([
      ["Asks", body.message && text(body.message)], ["Approvals needed", String(body.count)],
      ["Groups", list(body.groups)], ["People", list(body.users)],
      ["Who started it", body.allowsSelf ? null : "may not approve it"], ["At most", limit(body.timeoutMilliseconds)],
      ["When time is over", body.timeoutMilliseconds ? `${body.onTimeout}s` : null],
      ["When rejected", body.onReject === "continue" ? "goes on" : "fails"],
    ]);
    default: return facts([["Does", kind || "nothing that is known"]]);
  }
}

/**
 * @param {[string, any, boolean?][]} rows
 * @returns {Fact[]}
 */
const facts = (rows) => rows.filter(([, value]) => value !== null && value !== undefined && value !== "")
  .map(([name, value, isCode]) => ({ name, value, isCode: Boolean(isCode) }));

/** @param {Record<string, any> | undefined} object */
const members = (object) => {
  const names = Object.keys(object ?? {}).sort();
  return names.length === 0 ? null : names.map((name) => `${name} = ${text(object?.[name])}`).join("\n");
};
/** @param {string[] | undefined} texts */
const list = (texts) => (texts && texts.length > 0 ? texts.join(", ") : null);
/** @param {number | null | undefined} milliseconds */
const limit = (milliseconds) => (milliseconds ? duration(milliseconds) : null);

/** @param {any} database */
function databaseOf(database) {
  const { kind, body } = open(database);
  if (kind === "scratch") return "the run's own scratch database";
  return kind === "secret" ? `secret ${body}` : text(body);
}

/**
 * What a verifier checks, as a sentence's part.
 * @param {any} verifier
 */
export function checkText(verifier) {
  const { kind, body } = open(verifier?.check);
  switch (kind) {
    case "shell": return [body.program ? commandLine(body.program.argv) : "the program", `exits with ${body.exit ?? 0}`,
      body.stdoutMatch ? `and prints /${body.stdoutMatch}/` : ""].filter(Boolean).join(" ");
    case "http": return [body.request ? `${body.request.method} ${text(body.request.url)}` : "the answer",
      body.statuses?.length ? `has status ${body.statuses.join(" or ")}` : "answers",
      body.bodyMatch ? `and a body like /${body.bodyMatch}/` : "",
      ...Object.entries(body.pointers ?? {}).map(([pointer, value]) => `and ${pointer} = ${text(value)}`)].filter(
      Boolean).join(" ");
    case "sql": return [body.query ? body.query.query : "the rows",
      ...Object.entries(body.expect ?? {}).map(([name, value]) => `${name} = ${text(value)}`),
      body.rowCount === undefined ? "" : `${body.rowCount} rows`].filter(Boolean).join(" · ");
    case "checksum": return body.expect ? `${text(body.file)} has SHA-256 ${text(body.expect)}`
      : `records the SHA-256 of ${text(body.file)}`;
    case "json_schema": return `${text(body.value)} fits its schema`;
    case "custom": return text(body.assert);
    default: return kind;
  }
}

/**
 * How often and after which pauses something is tried again; `null` where it is not.
 * @param {any} retry
 */
export function retryText(retry) {
  if (!retry || retry.maxAttempts <= 1) return null;
  const when = retry.when?.length ? `, on ${retry.when.join(", ")}` : "";
  return `up to ${retry.maxAttempts} attempts, ${duration(
    retry.backoffMilliseconds)} × ${retry.multiplier} apart${when}`;
}
