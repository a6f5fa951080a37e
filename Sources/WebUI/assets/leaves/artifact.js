// What the steps of a run left: a list with sizes and downloads, and each shown as what it is.
// @ts-check
import { bytes, count, plain } from "../core/format.js";
import { each, html } from "../core/html.js";
import { leaf } from "../core/leaf.js";
import { query, setQuery } from "../core/router.js";
import { Scope, computed, effect, onEnd, signal, untracked } from "../core/signal.js";
import { part, url } from "../data/api.js";
import { firstBytes } from "../data/bytes.js";
import { parseCSV } from "../data/csv.js";
import { parseExactly } from "../data/exact.js";
import { bytesMax, imageType, isBinary, isPageByName, kindOf, kindText } from "../data/preview.js";
import { empty } from "../parts/empty.js";
import { errorPanel, placeholder } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { diffView } from "./diff.js";
import { jsonView } from "./json.js";
import { markdownView } from "./markdown.js";
import { patchTone, textView } from "./text.js";

/**
 * @typedef {{step: string, name: string, size: number, media_type: string, digest: string}} Artifact
 * @typedef {{run: () => string, artifacts: () => Artifact[], step?: () => string | null}} ArtifactOptions
 */

/** @param {Artifact} artifact */
const keyOf = (artifact) => `${artifact.step}/${artifact.name}`;

/**
 * @param {string} run @param {Artifact} artifact
 * @param {{inline?: "true", view?: "page"}} how
 */
const pathOf = (run, artifact, how = {}) =>
  url(`/v1/runs/${part(run)}/artifacts/${part(artifact.name)}`, { step: artifact.step, ...how });

/**
 * The artifacts of a run; the one that is shown is in the address.
 * @param {ArtifactOptions} options `step`: only those of this step.
 */
function body({ run, artifacts, step }) {
  const all = computed(artifacts);
  const shown = computed(() => all.value.filter((artifact) => {
    const chosen = step?.();
    return !chosen || artifact.step === chosen || artifact.step.startsWith(`${chosen}[`);
  }));
  const hidden = () => all.value.length - shown.value.length;
  const compared = signal(/** @type {Artifact | null} */ (null));
  const chosen = computed(() => {
    const key = query.value.get("artifact");
    return all.value.find((artifact) => keyOf(artifact) === key) ?? (key || shown.value.length !== 1 ? null
      : shown.value[0]);
  });
  // The same bytes are not fetched again because the list was.
  const preview = computed(() => (chosen.value ? `${keyOf(chosen.value)} ${chosen.value.digest}` : ""));
  return html`<div class="artifacts">
    ${() => (all.value.length === 0 ? empty({ title: "No artifacts",
      text: "What steps keep (artifacts of a plan's step) appears here." }) : null)}
    ${() => (hidden() > 0 ? html`<p class="muted small">${hidden() === 1 ? "1 artifact"
      : `${count(hidden())} artifacts`} of other steps
      ${hidden() === 1 ? "is" : "are"} not shown: choose all steps to see ${hidden() === 1 ? "it" : "them"}.</p>`
        : null)}
    <div class="table-wrap" hidden=${() => shown.value.length === 0}><table class="table artifact-table">
      <thead><tr><th>Name</th><th>Step</th><th>Kind</th><th class="is-number">Size</th><th><span
        class="sr">Actions</span></th></tr></thead>
      <tbody>${each(() => shown.value, keyOf, (row) => html`<tr class:is-selected=${() => chosen.value !== null
        && keyOf(chosen.value) === keyOf(row.value)}>
        <td><button type="button" class="artifact-name" @click=${() => setQuery({ artifact: keyOf(row.peek())
          })}>${icon("file")}<span>${() =>
          plain(row.value.name, 160)}</span></button></td>
        <td class="muted">${() => plain(row.value.step, 60)}</td><td class="muted">${() => plain(
          kindText(row.value), 60)}</td>
        <td class="is-number">${() => bytes(row.value.size)}</td>
        <td class="is-actions"><a class="icon-button" download aria-label=${() => `Download ${plain(row.value.name,
          80)}`} title="Download"
          href=${() => pathOf(run(), row.value)}>${icon("download")}</a></td></tr>`)}</tbody></table></div>
    ${() => {
      if (!preview.value) return null;
      compared.value = null;
      return untracked(() => artifactPreview({ run: run(), artifact: /** @type {Artifact} */ (chosen.value),
        others: () => all.peek(), compared }));
    }}
  </div>`;
}

export const artifactList = leaf("oc-artifacts", body);

/**
 * One artifact, shown as what it is.
 * @param {{run: string, artifact: Artifact, others?: () => Artifact[],
 *   compared?: import("../core/signal.js").Signal<Artifact | null>}} options
 */
function artifactPreview({ run, artifact, others, compared }) {
  const kind = kindOf(artifact);
  const body = signal(/** @type {any} */ (null));
  const isComparable = ["text", "json", "markdown", "diff", "table", "page"].includes(kind);
  effect(() => {
    const other = compared?.value ?? null;
    // What is shown ends when another is compared with: its effects, and the bytes of an image.
    const turn = new Scope();
    const abort = new AbortController();
    onEnd(() => {
      abort.abort();
      turn.end();
    });
    const put = (/** @type {() => any} */ build) => {
      if (!turn.isEnded) body.value = turn.run(build);
    };
    put(placeholder);
    untracked(() => load(other, abort.signal)).then(put).catch((error) => put(() => errorPanel(error)));
  });

  /**
   * Fetches what is shown.
   * @param {Artifact | null} other @param {AbortSignal} abort
   * @returns {Promise<() => any>} Makes its elements.
   */
  async function load(other, abort) {
    if (kind === "none") return () => note("This kind is not shown here: download it.");
    if (artifact.size === 0) return () => note("It is empty.");
    if (artifact.size > bytesMax[kind] && (kind === "image" || kind === "page")) {
      return () => note(`It is too large to be shown (${bytes(artifact.size)}): download it.`);
    }
    const fetched = (/** @type {Artifact} */ one) => firstBytes(pathOf(run, one, { inline: "true" }), bytesMax[kind], abort);
    const [{ bytes: content, isCut }, theirs] = await Promise.all([fetched(artifact), other && isComparable
      ? fetched(other) : null]);
    if (other && theirs) {
      return () => diffView({ before: decode(theirs.bytes), after: decode(content), names: [plain(other.name, 80),
        plain(artifact.name, 80)] });
    }
    if (kind === "image") return () => image(content, artifact);
    if (isBinary(content)) return () => note("These bytes are no text: download it.");
    return () => html`${isCut
      ? note(`Only the first ${bytes(content.length)} of ${bytes(artifact.size)} are shown: download it for the rest.`)
        : null}
      ${textBody({ run, artifact, kind, text: decode(content), isCut })}`;
  }

  const rest = () => (others?.() ?? []).filter((other) => other !== artifact && keyOf(other) !== keyOf(artifact)
    && kindOf(other) === kind);
  return html`<section class="artifact" aria-label="Preview">
    <header class="artifact-head"><h2>${plain(artifact.name, 160)}</h2>
      <span class="muted small">${plain(artifact.step, 60)} · ${bytes(artifact.size)}</span><span class="grow"></span>
      ${compared && isComparable && rest().length > 0 ? html`<select class="select" aria-label="Compare with"
        @change=${(/** @type {any} */ event) => {
        compared.value = rest().find((other) => keyOf(other) === event.target.value) ?? null;
      }}><option value="">Compare with…</option>${rest().slice(0, 200).map((other) => html`<option value=${keyOf(other)}
        selected=${compared.peek() !== null && keyOf(/** @type {Artifact} */ (compared.peek())) ===
          keyOf(other)}>${plain(keyOf(other), 80)}</option>`)}</select>` : null}
      <a class="button is-small" download href=${pathOf(run, artifact)}>${icon("download")}Download</a></header>
    <div class="artifact-body">${body}</div></section>`;
}

/** @param {string} text */
const note = (text) => html`<p class="muted artifact-note">${text}</p>`;

/** @param {Uint8Array} content */
const decode = (content) => new TextDecoder("utf-8", { ignoreBOM: false }).decode(content);

/**
 * @param {{run: string, artifact: Artifact, kind: import("../data/preview.js").PreviewKind, text: string,
 *   isCut: boolean}} options
 */
function textBody({ run, artifact, kind, text, isCut }) {
  if (text === "") return note("It is empty.");
  if (kind === "json" && !isCut) {
    try {
      const value = parse(text);
      return jsonView(() => value);
    } catch (error) {
      return html`${note(`It is no JSON: ${plain(String(error), 200)}`)}${textView(text)}`;
    }
  }
  if (kind === "markdown") return withSource(() => markdownView(() => text), text);
  if (kind === "diff") return textView(text, { tone: patchTone });
  if (kind === "table") return withSource(() => table(text, artifact), text);
  if (kind === "page") return withSource(() => page(run, artifact), text);
  return html`${isPageByName(artifact) ? note("Shown as text: with type: text/html in its plan it is shown as a page.")
    : null}${textView(text)}`;
}

/**
 * JSON with all digits of its whole numbers, unless it is too deep or has a number beyond all.
 * @param {string} text
 */
function parse(text) {
  const value = JSON.parse(text);
  if (!/\d{16}/.test(text)) return value;
  try {
    return parseExactly(text);
  } catch {
    return value;
  }
}

/**
 * Something as it looks, and as it was written.
 * @param {() => any} looks
 * @param {string} text
 */
function withSource(looks, text) {
  const isSource = signal(false);
  return html`<div class="segments" role="group" aria-label="View">
      <button type="button" aria-pressed=${() => String(!isSource.value)} @click=${() => { isSource.value =
        false; }}>Preview</button>
      <button type="button" aria-pressed=${() => String(isSource.value)} @click=${() => { isSource.value =
        true; }}>Source</button></div>
    ${() => (isSource.value ? textView(text) : looks())}`;
}

/** @param {string} text @param {Artifact} artifact */
function table(text, artifact) {
  const isTabs = artifact.media_type.startsWith("text/tab") || artifact.name.endsWith(".tsv");
  const { rows, isMore } = parseCSV(text, { separator: isTabs ? "\t" : ",", rowsMax: 1001 });
  const [head = [], ...body] = rows;
  return html`<div class="table-wrap artifact-csv" tabindex="0" role="region" aria-label="Table"><table
    class="table"><thead><tr>${head.map((cell) =>
    html`<th>${plain(cell, 200)}</th>`)}</tr></thead><tbody>${body.map((row) => html`<tr>${row.map((cell) =>
      html`<td>${plain(cell, 200)}</td>`)}</tr>`)}</tbody></table></div>${isMore
        ? note("Only the first 1,000 rows are shown: download it for the rest.") : null}`;
}

/**
 * An image; as such nothing in it runs, an SVG's scripts neither.
 * @param {Uint8Array} content
 * @param {Artifact} artifact
 */
function image(content, artifact) {
  const address = URL.createObjectURL(new Blob([content], { type: imageType(artifact) }));
  onEnd(() => URL.revokeObjectURL(address));
  return html`<img class="artifact-image" src=${address} alt=${plain(artifact.name, 160)}>`;
}

/**
 * A page in a frame of its own, without scripts, forms, or anything from elsewhere: the node says so of it, too.
 * @param {string} run
 * @param {Artifact} artifact
 */
const page = (run, artifact) => html`<p class="muted small">Scripts and whatever it loads from elsewhere do not run
  here.</p>
  <iframe class="artifact-page" sandbox="" referrerpolicy="no-referrer" title="Preview of the page"
    src=${pathOf(run, artifact, { view: "page" })}></iframe>`;
