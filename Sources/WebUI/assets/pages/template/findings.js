// What the compiler finds in a text while it is written: when it is asked, and where its findings are listed.
// @ts-check
import { html } from "../../core/html.js";
import { count, plain, plural } from "../../core/format.js";
import { computed, effect, onEnd } from "../../core/signal.js";
import { post } from "../../data/api.js";
import { findingsOf } from "../../data/plan-findings.js";
import { mayRun } from "../../data/me.js";
import { chip } from "../../parts/status.js";

/** How long nothing is typed before the compiler is asked. */
const quietMilliseconds = 300;
/** Findings that are listed at most: whoever has more mends the first ones first. */
const listedMax = 100;
/** @typedef {import("./source.js").Draft} Draft */

/**
 * Asks the compiler when nothing was typed for a moment; an answer to an older text is not shown.
 * @param {() => Draft | null} draft `null` is not checked.
 * @param {import("../../core/signal.js").Signal<any>} check
 * @param {import("../../core/signal.js").Signal<boolean>} isChecking
 */
export function checking(draft, check, isChecking) {
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let timer;
  /** @type {AbortController | null} */
  let running = null;
  let isFirst = true;
  const ask = async (/** @type {Draft} */ now) => {
    running?.abort();
    const own = (running = new AbortController());
    isChecking.value = true;
    try {
      check.value = await post("/v1/plans/check", { files: now.files, main: now.main }, { signal: own.signal });
    } catch (error) {
      if (own.signal.aborted) return;
      const problem = /** @type {any} */ (error).problem;
      check.value = Array.isArray(problem?.errors) ? { valid: false, diagnostics: findingsOf(problem, now) }
        : { diagnostics: [], unreachable: String(/** @type {any} */ (error).message) };
    }
    isChecking.value = false;
  };
  effect(() => {
    const now = draft();
    clearTimeout(timer);
    if (!now) return;
    timer = setTimeout(() => ask(now), isFirst ? 0 : quietMilliseconds);
    isFirst = false;
  });
  onEnd(() => {
    clearTimeout(timer);
    running?.abort();
  });
}

/**
 * @param {string[]} files @param {import("../../core/signal.js").Signal<string>} active
 * @param {(file: string) => void} show @param {import("../../core/signal.js").Readable<any[]>} findings
 */
export function fileTabs(files, active, show, findings) {
  if (files.length < 2) return null;
  return html`<div class="segments" role="group" aria-label="Files">${files.sort().map((file) => html`<button
    aria-pressed=${() => String(active.value === file)} @click=${() => show(file)}>${plain(file, 60)}${() => {
      const found = findings.value.filter((finding) => finding.file === file).length;
      return found > 0 ? ` (${count(found)})` : "";
    }}</button>`)}</div>`;
}

/**
 * @param {{check: () => any, findings: import("../../core/signal.js").Readable<any[]>, isOneFile: () => boolean,
 *   jump: (finding: any) => void, compile: () => void}} options Of several files each finding says its own.
 */
export function findingsList({ check, findings, isOneFile, jump, compile }) {
  const errors = computed(() => findings.value.filter((finding) => finding.severity === "error").length);
  return html`<section class="panel findings-panel" aria-label="What the compiler found">
    <div class="row"><div class="row" role="status">${() => {
      const now = check();
      if (!now) return html`<span class="muted">Checking…</span>`;
      if (now.unreachable) return html`<span class="muted">The compiler did not answer.</span>`;
      if (errors.value > 0) return chip(() => "failed", () => plural(errors.value, "error"));
      const warnings = findings.value.length;
      return html`${chip(() => "succeeded", () => "Compiles")}<span class="muted">${plural(now.steps ?? 0, "step")}${
        warnings > 0 ? ` · ${plural(warnings, "warning")}` : ""}</span>`;
    }}</div><span class="grow"></span><button class="button is-small" hidden=${() => errors.value > 0
      || !check()?.valid}
      disabled=${() => !mayRun.value} @click=${compile}>Show its plan</button></div>
    <div class="findings">${() => findings.value.slice(0, listedMax).map((finding) => html`<button class="finding"
      @click=${() => jump(finding)}>
      <span class=${`sign tone-${finding.severity === "error" ? "failed" : "waiting"}`} role="img"
        aria-label=${finding.severity}>${
        finding.severity === "error" ? "✕" : "!"}</span>
      <span class="where">${finding.line}:${finding.column}</span>
      <span>${finding.file && !isOneFile() ? html`<span class="muted">${plain(finding.file, 60)} · </span>` : null}${
        plain(finding.message)}${finding.hint ? html`<span class="muted"> – ${plain(finding.hint)}</span>`
          : null}</span></button>`)}</div>
    ${() => (findings.value.length > listedMax ? html`<p class="muted">and ${
      count(findings.value.length - listedMax)} more</p>` : null)}
  </section>`;
}

