// Foreign markdown as elements: built one by one, links to the web alone, HTML in it is text.
// @ts-check
import { plain, plainLines } from "../core/format.js";
import { html } from "../core/html.js";
import { leaf } from "../core/leaf.js";
import { signal } from "../core/signal.js";
import { safeLink } from "../data/ansi.js";
import { textView } from "./text.js";

/** Elements that one text may become, and how deep they may stand in each other. */
const elementsMax = 20_000;
const depthMax = 40;

/** @typedef {{lexer: ((text: string) => any[]) | null, why: string}} Reader `why` there is none. */

/**
 * The distribution's reader; a load that failed is forgotten.
 * @type {Promise<Reader> | null}
 */
let reader = null;
let loads = 0;

/**
 * Loads the reader once.
 * @returns {Promise<Reader>}
 */
function load() {
  reader ??= loadNow();
  return reader;
}

async function loadNow() {
  const address = "/vendor/marked.js";
  try {
    // A browser keeps that a module could not be loaded: the next time it has another address.
    await import(loads === 0 ? address : `${address}?${loads}`);
    const marked = /** @type {any} */ (globalThis).marked;
    if (marked?.lexer) return { lexer: (/** @type {string} */ text) => marked.lexer(text), why: "" };
    return { lexer: null, why: "the distribution's package libjs-marked is of a kind that is not known." };
  } catch {
    const answer = await fetch(address, { method: "HEAD", cache: "no-store" }).catch(() => null);
    if (answer?.status === 404) {
      return { lexer: null, why: "the distribution's package libjs-marked is not installed on this node." };
    }
    reader = null;
    loads += 1;
    return { lexer: null, why: "what reads markdown could not be loaded; open it again to try once more." };
  }
}

/**
 * Markdown; as plain text where the reader is missing.
 * @param {() => string} text
 */
function body(text) {
  const found = signal(/** @type {Reader | null} */ (null));
  load().then((known) => { found.value = known; });
  return html`<div class="markdown">${() => {
    if (found.value === null) return null;
    const { lexer, why } = found.value;
    const given = text();
    if (!lexer) return html`<p class="muted small">Shown as text: ${why}</p>${textView(given)}`;
    try {
      return new Builder().blocks(lexer(given), 0);
    } catch {
      return textView(given);
    }
  }}</div>`;
}

export const markdownView = leaf("oc-markdown", body);

/** Turns what the reader found into elements. */
class Builder {
  constructor() {
    this.left = elementsMax;
  }

  /**
   * @param {string} name
   * @param {(Node | string)[]} children
   */
  element(name, children) {
    this.left -= 1;
    const made = document.createElement(name);
    made.append(...children);
    return made;
  }

  /**
   * @param {any[] | undefined} tokens
   * @param {number} depth
   * @returns {(Node | string)[]}
   */
  blocks(tokens, depth) {
    if (depth > depthMax) return ["…"];
    return (tokens ?? []).flatMap((token) => {
      if (this.left <= 0) return [];
      return this.block(token, depth + 1);
    });
  }

  /**
   * @param {any} token
   * @param {number} depth
   * @returns {(Node | string)[]}
   */
  block(token, depth) {
    switch (token.type) {
      case "space": case "def": return [];
      case "heading": return [this.element(`h${Math.min(6, token.depth + 1)}`, this.inline(token.tokens, depth))];
      case "paragraph": return [this.element("p", this.inline(token.tokens, depth))];
      case "text": return token.tokens ? this.inline(token.tokens, depth) : [plainLines(decode(token.text))];
      case "code": return [this.element("pre", [this.element("code", [plainLines(token.text)])])];
      case "blockquote": return [this.element("blockquote", this.blocks(token.tokens, depth))];
      case "hr": return [this.element("hr", [])];
      case "list": {
        const list = this.element(token.ordered ? "ol" : "ul", token.items.map((/** @type {any} */ item) =>
          this.item(item, depth)));
        if (token.ordered && Number.isInteger(token.start)) /** @type {HTMLOListElement} */ (list).start = token.start;
        return [list];
      }
      case "table": return [this.table(token, depth)];
      // What is HTML is shown as it was written.
      default: return [this.element("p", [plainLines(token.raw ?? "")])];
    }
  }

  /** @param {any} item @param {number} depth */
  item(item, depth) {
    const children = this.blocks(item.tokens, depth);
    if (item.task) children.unshift(item.checked ? "☑ " : "☐ ");
    return this.element("li", children);
  }

  /** @param {any} token @param {number} depth */
  table(token, depth) {
    const row = (/** @type {any[]} */ cells, /** @type {string} */ name) => this.element("tr", cells.map((cell) =>
      this.element(name, this.inline(cell.tokens ?? [{ type: "text", text: String(cell.text ?? cell) }], depth))));
    const table = this.element("table", [this.element("thead", [row(token.header, "th")]),
      this.element("tbody", (token.rows ?? []).map((/** @type {any[]} */ cells) => row(cells, "td")))]);
    table.className = "table";
    const wrap = this.element("div", [table]);
    wrap.className = "table-wrap";
    wrap.tabIndex = 0;
    return wrap;
  }

  /**
   * @param {any[] | undefined} tokens
   * @param {number} depth
   * @returns {(Node | string)[]}
   */
  inline(tokens, depth) {
    if (depth > depthMax) return ["…"];
    return (tokens ?? []).flatMap((token) => (this.left <= 0 ? [] : this.part(token, depth + 1)));
  }

  /**
   * @param {any} token
   * @param {number} depth
   * @returns {(Node | string)[]}
   */
  part(token, depth) {
    switch (token.type) {
      case "strong": return [this.element("strong", this.inline(token.tokens, depth))];
      case "em": return [this.element("em", this.inline(token.tokens, depth))];
      case "del": return [this.element("del", this.inline(token.tokens, depth))];
      case "codespan": return [this.element("code", [plainLines(decode(token.text))])];
      case "br": return [this.element("br", [])];
      case "escape": return [plainLines(decode(token.text))];
      case "text": return token.tokens ? this.inline(token.tokens, depth) : [plainLines(decode(token.text))];
      case "link": return [this.link(token, this.inline(token.tokens, depth))];
      // Nothing is loaded from elsewhere: a picture is its words.
      case "image": return [this.link(token, [`[image: ${plain(decode(token.text || token.href), 200)}]`])];
      default: return [plainLines(token.raw ?? "")];
    }
  }

  /** @param {any} token @param {(Node | string)[]} children */
  link(token, children) {
    const href = safeLink(decode(String(token.href ?? "")));
    const made = this.element(href ? "a" : "span", children);
    if (made instanceof HTMLAnchorElement && href) {
      made.href = href;
      made.target = "_blank";
      made.rel = "noopener noreferrer";
    } else made.title = plain(token.href, 200);
    return made;
  }
}

/**
 * The reader writes some characters for HTML; here they are themselves.
 * @param {string} text
 */
const decode = (text) => text.replace(/&(lt|gt|quot|#39|amp);/g, (_, name) =>
  /** @type {Record<string, string>} */ ({ lt: "<", gt: ">", quot: "\"", "#39": "'", amp: "&" })[name]);
