// Writes all runs that fit to a file of JSON or CSV: page by page, told while it goes, stopped at will.
// @ts-check
import { count, plural } from "../../core/format.js";
import { html } from "../../core/html.js";
import { signal } from "../../core/signal.js";
import { get, url } from "../../data/api.js";
import { columns, csvLine } from "../../data/run-list.js";
import { openDialog } from "../../parts/dialog.js";
import { errorPanel } from "../../parts/error.js";
import { say } from "../../parts/toast.js";

/** Runs of one file at most. */
export const exportMax = 100_000;
/** Rows of one request; an address holds as many ids. */
const pageRows = 200;

/**
 * What the node is asked for runs that were picked by hand: as many requests as their ids need, the newest first.
 * @param {string[]} ids @param {{id: string}[]} rows The list in its order.
 * @returns {Record<string, string>[]}
 */
export function byID(ids, rows) {
  const places = new Map(rows.map((run, index) => [run.id, index]));
  const sorted = [...ids].sort((a, b) => (places.get(a) ?? rows.length) - (places.get(b) ?? rows.length));
  return Array.from({ length: Math.ceil(sorted.length / pageRows) }, (_, at) =>
    ({ run: sorted.slice(at * pageRows, (at + 1) * pageRows).join(",") }));
}

/**
 * Asks for the kind, and writes.
 * @param {Record<string, string>[]} asked What the node is asked, one after the other.
 * @param {string} what As `5,213 runs that fit`.
 */
export function openExport(asked, what) {
  const kind = signal("csv");
  const written = signal(0);
  const abort = new AbortController();
  const opened = openDialog({
    title: "Export",
    body: (dialog) => html`<form class="dialog-form" method="dialog" @submit=${async (/** @type {Event} */ event) => {
      event.preventDefault();
      let isWhole = false;
      const isDone = await dialog.perform(async () => {
        written.value = 0;
        isWhole = await write(asked, kind.peek(), written, abort.signal).catch((caught) => {
          if (!abort.signal.aborted) throw caught;
          return false;
        });
      });
      if (!isDone || abort.signal.aborted) return;
      dialog.close();
      say(isWhole ? `${plural(written.peek(), "run")} exported`
        : `The newest ${count(exportMax)} runs were exported; a file has no more. Narrow the filter by time for the others.`);
    }}>
      <p>${what}, the newest first, with inputs and outputs. A file has at most ${count(exportMax)} runs.</p>
      <fieldset class="choices"><legend class="sr">Kind of file</legend>
        ${[["csv", "CSV, for spreadsheets"], ["json", "JSON, as the API gives it"]].map(([value, text]) => html`<label
          class="check">
          <input type="radio" name="kind" value=${value} checked=${value === kind.peek()}
            @change=${() => { kind.value = value; }}> ${text}</label>`)}</fieldset>
      ${() => (dialog.isBusy.value ? html`<p role="status">${plural(written.value, "run")} read…</p>` : null)}
      ${() => (dialog.error.value ? errorPanel(dialog.error.value) : null)}
      <footer class="dialog-foot"><button type="button" class="button"
        @click=${dialog.close}>${() => (dialog.isBusy.value ? "Stop" : "Back")}</button>
        <button class="button is-primary" autofocus disabled=${dialog.isBusy}>Export</button></footer>
    </form>`,
  });
  opened.element.addEventListener("close", () => abort.abort());
}

/**
 * @param {Record<string, string>[]} asked @param {string} kind
 * @param {import("../../core/signal.js").Signal<number>} written @param {AbortSignal} abort
 * @returns {Promise<boolean>} Whether all of them are in the file.
 */
async function write(asked, kind, written, abort) {
  const isTable = kind === "csv";
  /**
   * Texts are given to the browser page by page, so that the page's own memory stays small.
   * @type {Blob[]}
   */
  const parts = [];
  const filter = asked.length === 1 ? asked[0] : { run: asked.map(({ run }) => run).join(",") };
  const members = { exported_at: new Date().toISOString(), filter };
  parts.push(new Blob([isTable ? csvLine(columns)
    : `${JSON.stringify({ version: 1, ...members }).slice(0, -1)},"runs":[\n`]));
  let rows = 0;
  let isWhole = true;
  for (const one of asked) {
    /** @type {string | null} */
    let cursor = null;
    let isCut = false;
    do {
      /** @type {any} */
      const page = await get(url("/v1/runs", { ...one, limit: pageRows, cursor }), { signal: abort });
      const runs = page.runs.slice(0, exportMax - rows);
      const lines = runs.map((/** @type {any} */ run, /** @type {number} */ index) => isTable
        ? csvLine(columns.map((name) => run[name])) : `${rows + index > 0 ? ",\n" : ""}${JSON.stringify(run)}`);
      parts.push(new Blob(lines));
      rows += runs.length;
      written.value = rows;
      cursor = page.next;
      isCut = runs.length < page.runs.length;
    } while (cursor && rows < exportMax);
    isWhole &&= cursor === null && !isCut;
  }
  if (!isTable) parts.push(new Blob(["\n]}\n"]));
  save(new Blob(parts, { type: isTable ? "text/csv" : "application/json" }), `runs-${stamp()}.${kind}`);
  return isWhole;
}

const stamp = () => new Date().toISOString().slice(0, 19).replaceAll(":", "").replace("T", "-");

/** @param {Blob} blob @param {string} name */
function save(blob, name) {
  const address = URL.createObjectURL(blob);
  const link = document.createElement("a");
  link.href = address;
  link.download = name;
  link.click();
  // The browser has begun to read it by then.
  setTimeout(() => URL.revokeObjectURL(address), 60_000);
}
