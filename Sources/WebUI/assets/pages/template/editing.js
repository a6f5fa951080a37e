// The source of a template while it is written: what the compiler finds, saving, and two who save at once.
// @ts-check
import { html } from "../../core/html.js";
import { plain, plural } from "../../core/format.js";
import { computed, effect, onEnd, signal, untracked } from "../../core/signal.js";
import { ApiError, get, part, post, put } from "../../data/api.js";
import { mayRun } from "../../data/me.js";
import { confirm, openDialog } from "../../parts/dialog.js";
import { errorPanel, once, placeholder } from "../../parts/error.js";
import { icon } from "../../parts/icon.js";
import { lazily } from "../../parts/lazy.js";
import { chip } from "../../parts/status.js";
import { attempt, fail, say } from "../../parts/toast.js";
import { editor as makeEditor } from "../../leaves/editor.js";
import { sample } from "./sample.js";
import { textField } from "../../parts/field.js";

/** How long nothing is typed before the compiler is asked. */
const quietMilliseconds = 300;
/**
 * Texts that were left unsaved, by template; they live as long as the tab.
 * @type {Map<string, Draft>}
 */
const drafts = new Map();
/** @typedef {{files: Record<string, string>, main: string, title: string, revision: number}} Draft */

/**
 * @param {{name: string, isNew: () => boolean, row: () => any, saved: (row: any) => void}} options
 */
export function editing({ name, isNew, row, saved }) {
  const draft = signal(/** @type {Draft | null} */ (null));
  const active = signal("");
  const text = signal("");
  const base = signal("");
  const isStored = signal(true);
  const loadError = signal(/** @type {any} */ (null));
  const check = signal(/** @type {any} */ (null));
  const isChecking = signal(false);
  const isSaving = signal(false);
  const wasRestored = signal(false);
  const title = signal("");
  const isDirty = computed(() => draft.value !== null && JSON.stringify([draft.value.files,
    title.value]) !== base.value);
  const findings = computed(() => /** @type {any[]} */ (check.value?.diagnostics ?? []));

  /** @param {Draft} next @param {Draft} [kept] */
  const take = (next, kept) => {
    base.value = JSON.stringify([next.files, next.title]);
    const shown = kept ?? next;
    title.value = shown.title;
    active.value = shown.main;
    text.value = shown.files[shown.main] ?? "";
    draft.value = shown;
    wasRestored.value = Boolean(kept);
  };
  const load = async () => {
    loadError.value = null;
    try {
      const next = await sourceOf(name, row());
      isStored.value = next.isStored;
      const kept = drafts.get(name);
      take(next, kept && kept.revision === next.revision ? kept : undefined);
    } catch (error) {
      loadError.value = error;
    }
  };
  const key = computed(() => (isNew() ? "new" : row() ? "stored" : ""));
  effect(() => {
    const which = key.value;
    untracked(() => {
      if (draft.peek() || !which) return;
      if (which === "new") {
        take({ files: { "plan.yaml": "" }, main: "plan.yaml", title: "", revision: 0 },
          drafts.get(name) ?? { files: { "plan.yaml": sample(name) }, main: "plan.yaml", title: "", revision: 0 });
        wasRestored.value = drafts.has(name);
      } else load();
    });
  });
  // What is typed belongs to the file that is shown.
  effect(() => {
    const typed = text.value;
    const now = draft.peek();
    if (now && now.files[active.peek()] !== typed) {
      draft.value = { ...now, files: { ...now.files, [active.peek()]: typed } };
    }
  });
  effect(() => {
    const now = draft.value;
    if (!now) return;
    if (isDirty.value) drafts.set(name, { ...now, title: title.value });
    else drafts.delete(name);
  });
  checking(() => (isStored.value ? draft.value : null), check, isChecking);
  const beforeLeaving = (/** @type {BeforeUnloadEvent} */ event) => { if (isDirty.peek()) event.preventDefault(); };
  addEventListener("beforeunload", beforeLeaving);
  onEnd(() => removeEventListener("beforeunload", beforeLeaving));

  const save = async (/** @type {number} */ over = draft.peek()?.revision ?? 0) => {
    const now = draft.peek();
    if (!now || isSaving.peek() || !mayRun.peek()) return;
    isSaving.value = true;
    try {
      // Only the title of what has no text can be changed; its plan stays.
      const body = { title: title.peek(),
        ...(isStored.peek() ? { files: now.files, main: now.main } : { plan_digest: row().plan_digest }) };
      const next = await put(`/v1/templates/${part(name)}`, body,
        { headers: isNew() && over === 0 ? { "if-none-match": "*" } : { "if-match": `"${over}"` } });
      drafts.delete(name);
      take({ ...now, title: title.peek(), revision: next.revision });
      saved(next);
      say(`Saved: revision ${next.revision} of ${name}.`);
    } catch (error) {
      if (error instanceof ApiError && error.status === 412) conflict(now);
      else if (error instanceof ApiError && Array.isArray(error.problem.errors)) {
        check.value = { valid: false, diagnostics: findingsOf(error, now.main) };
        fail(Object.assign(new Error(`not saved: ${error.message}`), { next: "mend what is listed below the text" }));
      } else fail(error);
    }
    isSaving.value = false;
  };
  /**
   * Somebody else saved first: both texts are shown, and which one holds is asked.
   * @param {Draft} mine
   */
  const conflict = async (mine) => {
    const current = await get(`/v1/templates/${part(name)}`).catch((error) => { fail(error); return null; });
    if (!current) return;
    const theirs = await sourceOf(name, current).catch(() => null);
    const takeTheirs = () => {
      drafts.delete(name);
      if (theirs) take(theirs);
      saved(current);
    };
    openDialog({
      title: `Somebody saved ${plain(name, 64)} meanwhile`, className: "is-wide",
      body: (dialog) => html`<div class="dialog-body">
        <p>Revision ${current.revision} is not the one you began with. This is what your text would change in
          theirs.</p>
        ${theirs ? diffOf(theirs.files[theirs.main] ?? "", mine.files[mine.main] ?? "", ["theirs", "yours"]) : null}
        <footer class="dialog-foot"><button class="button" @click=${dialog.close}>Go on editing</button>
          <button class="button" disabled=${!theirs} @click=${() => { dialog.close(); takeTheirs(); }}>Take
            theirs</button>
          <button class="button is-danger" @click=${() => { dialog.close(); save(current.revision); }}>Save mine over
            it</button></footer></div>`,
    });
  };
  /** Shows the plan of the text as it stands, saved or not; a plan is stored by its digest, under no name. */
  const compile = async () => {
    const now = /** @type {Draft} */ (draft.peek());
    const plan = await attempt(() => post("/v1/plans", { files: now.files, main: now.main }));
    if (!plan) return;
    openDialog({
      title: `The plan of ${plain(name, 64)}`, className: "is-wide",
      body: () => html`<div class="dialog-body">${lazily(() => import("./plan-tab.js"),
        (module) => module.planTab(() => plan.digest))}</div>`,
    });
  };
  /** Begins a text where none was kept; it takes the plan's place when it is saved. */
  const rewrite = () => {
    isStored.value = true;
    const present = /** @type {Draft} */ (draft.peek());
    take({ ...present, files: {}, main: "plan.yaml" }, { ...present, files: { "plan.yaml": sample(name) },
      main: "plan.yaml" });
    wasRestored.value = false;
  };
  const discard = () => confirm({
    title: "Throw your changes away?", text: "The text goes back to what is stored.", verb: "Throw away",
      isDangerous: true,
    work: async () => {
      drafts.delete(name);
      if (isNew()) take({ files: { "plan.yaml": sample(name) }, main: "plan.yaml", title: "", revision: 0 });
      else await load();
    },
  });

  /** @type {import("../../leaves/editor.js").Editor | null} */
  let made = null;
  const jump = (/** @type {any} */ finding) => {
    if (finding.file && draft.peek()?.files[finding.file] !== undefined) show(finding.file);
    made?.jump(finding.line, finding.column);
  };
  const show = (/** @type {string} */ file) => {
    if (file === active.peek()) return;
    active.value = file;
    text.value = draft.peek()?.files[file] ?? "";
  };
  const here = () => findings.value.filter((finding) => !finding.file || finding.file === active.value
    || draft.value?.files[finding.file] === undefined);

  const body = () => {
    made = makeEditor({ label: `Source of ${name}`, value: text, findings: here, isReadOnly: () => !mayRun.value
      || !isStored.value,
      onSave: () => save() });
    return html`<div class="section">
      ${() => (wasRestored.value && isDirty.value ? html`<div class="stale-strip" role="status">${icon("edit")} These
        are changes that you have
        not saved yet.<button class="button is-small" @click=${discard}>Throw away</button></div>` : null)}
      ${() => (isStored.value ? null : html`<div class="stale-strip" role="status">${icon("file")}<span>The text of this
        version was not kept: it was made of a plan that was stored already. This is the plan, to read.</span>
        <button class="button is-small" disabled=${() => !mayRun.value} @click=${rewrite}>Write it anew</button>
          </div>`)}
      ${() => (check.value?.unreachable ? html`<div class="stale-strip" role="status">${icon("warning")} Not checked:
        ${plain(check.value.unreachable)}</div>` : null)}
      <div class="template-title">${textField({ label: "Title", value: title,
        placeholder: "What it does, in a few words" })}</div>
      ${() => fileTabs(Object.keys(draft.value?.files ?? {}), active, show, findings)}
      ${made.element}
      ${once(() => isStored.value,
        () => findingsList(() => (isChecking.value && !check.value ? null : check.value), findings, jump, compile))}
          </div>`;
  };
  return {
    isDirty,
    saveButton: html`<button class="button is-primary" disabled=${() => !mayRun.value || isSaving.value
      || !(isDirty.value || isNew())
      || check.value?.valid === false} title=${() => (!mayRun.value ? "Your token may only read"
        : check.value?.valid === false
      ? "Mend what the compiler found first" : "Ctrl S")} @click=${() => save()}>${icon("check")}Save</button>`,
    element: () => html`<div>${() => (loadError.value ? errorPanel(loadError.value,
      load) : null)}${once(() => draft.value !== null, body,
      () => (loadError.value ? null : placeholder()))}</div>`,
  };
}

/**
 * Asks the compiler when nothing was typed for a moment; an answer to an older text is not shown.
 * @param {() => Draft | null} draft `null` is not checked.
 * @param {import("../../core/signal.js").Signal<any>} check
 * @param {import("../../core/signal.js").Signal<boolean>} isChecking
 */
function checking(draft, check, isChecking) {
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
      check.value = Array.isArray(problem?.errors) ? { valid: false, diagnostics: findingsOf(error, now.main) }
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
 * What a problem tells of a text, in the form of the compiler's findings.
 * @param {any} error
 * @param {string} main
 */
const findingsOf = (error, main) => error.problem.errors.map((/** @type {any} */ finding) => ({
  severity: "error", file: /\.\w+$/.test(finding.field ?? "") ? finding.field : main, line: finding.line ?? 1,
    column: finding.column ?? 1, message: finding.message, hint: finding.hint,
}));

/**
 * The text of a template as it is stored now; its plan as JSON where the text was not kept.
 * @param {string} name @param {any} row
 * @returns {Promise<Draft & {isStored: boolean}>}
 */
export async function sourceOf(name, row, revision = 0) {
  let source = null;
  try {
    source = await get(`/v1/templates/${part(name)}/source${revision ? `?revision=${revision}` : ""}`);
  } catch (error) {
    if (!(error instanceof ApiError) || error.status !== 404) throw error;
  }
  const of = { title: source?.title ?? row.title ?? "", revision: row.revision };
  if (source?.files && Object.keys(source.files).length > 0) {
    const main = source.main ?? Object.keys(source.files)[0];
    return { ...of, files: source.files, main, isStored: true };
  }
  if (source?.source) return { ...of, files: { "plan.yaml": readable(source.source) }, main: "plan.yaml", isStored: true };
  const plan = await get(`/v1/plans/${part(source?.plan_digest ?? row.plan_digest)}`);
  return { ...of, files: { "plan.json": JSON.stringify(plan, null, 2) }, main: "plan.json", isStored: false };
}

/**
 * Two texts beside each other.
 * @param {string} before @param {string} after
 * @param {[string, string]} names
 */
export const diffOf = (before, after, names) => html`<div class="template-diff">${
  lazily(() => import("../../leaves/diff.js"), (module) => module.diffView({ before, after, names }))}</div>`;

/**
 * @param {string[]} files @param {import("../../core/signal.js").Signal<string>} active
 * @param {(file: string) => void} show @param {import("../../core/signal.js").Readable<any[]>} findings
 */
function fileTabs(files, active, show, findings) {
  if (files.length < 2) return null;
  return html`<div class="segments" role="group" aria-label="Files">${files.sort().map((file) => html`<button
    aria-pressed=${() => String(active.value === file)} @click=${() => show(file)}>${plain(file, 60)}${() => {
      const count = findings.value.filter((finding) => finding.file === file).length;
      return count > 0 ? ` (${count})` : "";
    }}</button>`)}</div>`;
}

/**
 * @param {() => any} check @param {import("../../core/signal.js").Readable<any[]>} findings
 * @param {(finding: any) => void} jump
 * @param {() => void} compile
 */
function findingsList(check, findings, jump, compile) {
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
    <div class="findings">${() => findings.value.slice(0, 100).map((finding) => html`<button class="finding"
      @click=${() => jump(finding)}>
      <span class=${`sign tone-${finding.severity === "error" ? "failed" : "waiting"}`} role="img"
        aria-label=${finding.severity}>${
        finding.severity === "error" ? "✕" : "!"}</span>
      <span class="where">${finding.line}:${finding.column}</span>
      <span>${plain(finding.message)}${finding.hint ? html`<span class="muted"> – ${plain(finding.hint)}</span>`
        : null}</span></button>`)}</div>
  </section>`;
}

/**
 * A plan that was sent as JSON on one line, as people can read it: to the compiler it is the same.
 * @param {string} text
 */
function readable(text) {
  if (!text.startsWith("{") || text.trimEnd().includes("\n")) return text;
  try {
    const value = JSON.parse(text);
    // A number that does not come back as it was stays as it is written.
    return JSON.stringify(value) === text.trim() ? `${JSON.stringify(value, null, 2)}\n` : text;
  } catch {
    return text;
  }
}
