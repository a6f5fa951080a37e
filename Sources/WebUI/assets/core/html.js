// Turns tagged templates into elements, once; what is a function in them is drawn anew when it changes.
// @ts-check
import { Scope, Signal, effect, onEnd, signal } from "./signal.js";

/**
 * @typedef {{part: number, kind: "child" | "attribute", name: string, strings: string[], holes: number[]}} Hole
 * @typedef {{template: HTMLTemplateElement, holes: Hole[]}} Blueprint
 */

// The only way from text to markup, and only for texts that stand in the page's own modules.
const policy = /** @type {any} */ (globalThis).trustedTypes?.createPolicy("opsroom", {
  createHTML: (/** @type {string} */ text) => text,
}) ?? { createHTML: (/** @type {string} */ text) => text };

const mark = "$hole$";
/** @type {WeakMap<TemplateStringsArray, Blueprint>} */
const blueprints = new WeakMap();

/**
 * Elements of a template: one element where there is one, else a fragment.
 *
 * Holes between tags take text, numbers, nodes, arrays, `null`, functions (drawn anew when what they read
 * changes), {@link each}. In attributes: `name=${v}` (`false`, `null` leave it out, `true` sets it empty),
 * `.property=${v}`, `@event=${f}`, `class:name=${bool}`, `style:name=${v}`, `ref=${f}`; a function as a value
 * follows what it reads. Text is text: nothing that is put into a hole becomes markup.
 * @param {TemplateStringsArray} strings
 * @param {...any} values
 * @returns {any}
 */
export function html(strings, ...values) {
  return build(strings, values, false);
}

/**
 * As {@link html}, for what stands inside of an `svg` element.
 * @param {TemplateStringsArray} strings
 * @param {...any} values
 * @returns {any}
 */
export function svg(strings, ...values) {
  return build(strings, values, true);
}

/**
 * @param {TemplateStringsArray} strings
 * @param {any[]} values
 * @param {boolean} isSVG
 */
function build(strings, values, isSVG) {
  let blueprint = blueprints.get(strings);
  if (!blueprint) {
    blueprint = draft(strings, isSVG);
    blueprints.set(strings, blueprint);
  }
  let root = /** @type {DocumentFragment | Element} */ (document.importNode(blueprint.template.content, true));
  if (isSVG) {
    const inner = document.createDocumentFragment();
    inner.append(...(/** @type {Element} */ (root.firstChild)).childNodes);
    root = inner;
  }
  // All parts first: a child that is put in would change the walk.
  const nodes = places(root);
  for (const hole of blueprint.holes) {
    const node = nodes[hole.part];
    if (hole.kind === "child") putChild(/** @type {Comment} */ (node), values[hole.holes[0]]);
    else putAttribute(/** @type {Element} */ (node), hole, values);
  }
  trim(root);
  return root.childNodes.length === 1 ? root.firstChild : root;
}

/**
 * Leaves out the blanks around what a template says.
 * @param {Node} root
 */
function trim(root) {
  for (const node of [root.firstChild, root.lastChild]) {
    if (node?.nodeType === 3 && !node.nodeValue?.trim()) root.removeChild(node);
  }
}

/**
 * The elements with holes and the comments that are holes, in their order.
 * @param {Node} root
 */
function places(root) {
  const walker = document.createTreeWalker(root, 129);
  const found = [];
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === 8) {
      if (node.nodeValue === mark) found.push(node);
    } else if (/** @type {Element} */ (node).hasAttribute("data-hole")) {
      /** @type {Element} */ (node).removeAttribute("data-hole");
      found.push(node);
    }
  }
  return found;
}

/**
 * @param {TemplateStringsArray} strings
 * @param {boolean} isSVG
 * @returns {Blueprint}
 */
function draft(strings, isSVG) {
  let text = isSVG ? "<svg>" : "";
  let isInTag = false;
  let quote = "";
  strings.forEach((string, index) => {
    for (const char of string) {
      if (quote) quote = char === quote ? "" : quote;
      else if (isInTag && (char === '"' || char === "'")) quote = char;
      else if (char === "<") isInTag = true;
      else if (char === ">") isInTag = false;
    }
    text += string;
    if (index < strings.length - 1) text += isInTag ? `${mark}${index}$` : `<!--${mark}${index}$-->`;
  });
  const template = document.createElement("template");
  template.innerHTML = policy.createHTML(isSVG ? `${text}</svg>` : text);
  /** @type {any[]} */
  const holes = [];
  const walker = document.createTreeWalker(template.content, 129);
  let part = 0;
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (node.nodeType === 8) {
      const match = /^\$hole\$(\d+)\$$/.exec(node.nodeValue ?? "");
      if (!match) continue;
      node.nodeValue = mark;
      holes.push({ part, kind: "child", name: "", strings: [], holes: [Number(match[1])] });
      part += 1;
      continue;
    }
    const element = /** @type {Element} */ (node);
    const own = [...element.attributes].filter((attribute) => attribute.value.includes(mark));
    for (const attribute of own) {
      const pieces = attribute.value.split(/\$hole\$(\d+)\$/);
      const numbers = pieces.filter((_, at) => at % 2 === 1).map(Number);
      const texts = pieces.filter((_, at) => at % 2 === 0);
      // The parser lowers names; a property's is as it was written.
      const name = /([^\s"'<>/=]+)\s*=\s*(?:"[^"]*|'[^']*|[^\s"'>]*)$/.exec(strings[numbers[0]])?.[1] ?? attribute.name;
      holes.push({ part, kind: "attribute", name, strings: texts, holes: numbers });
      element.removeAttribute(attribute.name);
    }
    if (own.length > 0) {
      element.setAttribute("data-hole", "");
      part += 1;
    }
  }
  return { template, holes };
}

/**
 * @param {Element} element
 * @param {any} hole
 * @param {any[]} values
 */
function putAttribute(element, hole, values) {
  const { name, strings } = hole;
  const first = values[hole.holes[0]];
  if (name.startsWith("@")) {
    if (first) element.addEventListener(name.slice(1), first);
    return;
  }
  if (name === "ref") return void first(element);
  const given = hole.holes.map((/** @type {number} */ index) => values[index]);
  const isWhole = given.length === 1 && strings.every((/** @type {string} */ text) => text === "");
  const value = () =>
    isWhole ? read(given[0])
      : strings.reduce((/** @type {string} */ text, /** @type {string} */ next, /** @type {number} */ at) =>
          text + (read(given[at - 1]) ?? "") + next);
  if (given.some(isLive)) effect(() => setAttribute(element, name, value()));
  else setAttribute(element, name, value());
}

/** @param {any} value */
const isLive = (value) => typeof value === "function" || (typeof value === "object" && value !== null && "peek" in value);
/** @param {any} value */
const read = (value) => (typeof value === "function" ? value() : isLive(value) ? value.value : value);

/**
 * @param {any} element
 * @param {string} name
 * @param {any} value
 */
function setAttribute(element, name, value) {
  if (name.startsWith(".")) {
    const property = name.slice(1);
    // A field that is typed into keeps its cursor.
    if (element[property] !== value) element[property] = value;
  } else if (name.startsWith("class:")) element.classList.toggle(name.slice(6), Boolean(value));
  else if (name.startsWith("style:")) element.style.setProperty(name.slice(6), value ?? "");
  else if (value === false || value === null || value === undefined) element.removeAttribute(name);
  else {
    const text = value === true ? "" : String(value);
    // Setting what is there already would have the browser look at its styles anew.
    if (element.getAttribute(name) !== text) element.setAttribute(name, text);
  }
}

/**
 * Puts a value where a comment stands.
 * @param {Comment} place
 * @param {any} value
 */
function putChild(place, value) {
  if (value instanceof Each) return value.mount(place);
  if (!isLive(value)) {
    place.replaceWith(...nodesOf(value));
    return;
  }
  /** @type {ChildNode[]} */
  let shown = [];
  place.nodeValue = "";
  effect(() => {
    const next = read(value);
    if (next instanceof Each) {
      const start = document.createComment("");
      for (const node of shown) node.remove();
      place.before(start);
      shown = [start];
      onEnd(() => start.remove());
      next.mount(start);
      return;
    }
    if (shown.length === 1 && shown[0].nodeType === 3 && isText(next)) {
      const text = /** @type {Text} */ (shown[0]);
      if (text.data !== String(next)) text.data = String(next);
      return;
    }
    for (const node of shown) node.remove();
    shown = nodesOf(next);
    place.before(...shown);
  });
  onEnd(() => shown.forEach((node) => node.remove()));
}

/** @param {any} value */
const isText = (value) => typeof value === "string" || typeof value === "number";

/**
 * The nodes that a value stands for.
 * @param {any} value
 * @returns {ChildNode[]}
 */
export function nodesOf(value) {
  if (value === null || value === undefined || value === false || value === true || value === "") return [];
  if (Array.isArray(value)) return value.flatMap(nodesOf);
  if (value instanceof DocumentFragment) return [...value.childNodes];
  if (value instanceof Node) return [/** @type {ChildNode} */ (value)];
  if (value instanceof Each || isLive(value)) {
    const holder = document.createDocumentFragment();
    const place = document.createComment("");
    holder.append(place);
    putChild(place, value);
    return [...holder.childNodes];
  }
  return [document.createTextNode(String(value))];
}

/** A list whose rows are kept by their keys. */
class Each {
  /**
   * @param {() => any[]} list
   * @param {(item: any) => any} key
   * @param {(item: any, index: any) => Node} render
   */
  constructor(list, key, render) {
    this.list = list;
    this.key = key;
    this.render = render;
  }

  /**
   * Shows the list before `place`.
   * @param {Comment} place
   */
  mount(place) {
    place.nodeValue = "";
    /** @type {Map<any, {node: any, item: Signal<any>, index: Signal<number>, scope: Scope}>} */
    let rows = new Map();
    effect(() => {
      const list = this.list() ?? [];
      const parent = /** @type {Node} */ (place.parentNode);
      /** @type {typeof rows} */
      const next = new Map();
      list.forEach((item, index) => {
        const key = this.key(item);
        // Of two with one key the first is shown: half a list is better than none.
        if (next.has(key)) return;
        const known = rows.get(key);
        if (known) {
          known.item.value = item;
          known.index.value = index;
          rows.delete(key);
          next.set(key, known);
          return;
        }
        const scope = new Scope();
        const row = { item: signal(item), index: signal(index), scope, node: /** @type {any} */ (null) };
        row.node = scope.run(() => this.render(row.item, row.index));
        next.set(key, row);
      });
      for (const gone of rows.values()) {
        gone.scope.end();
        gone.node.remove();
      }
      rows = next;
      /** @type {Node} */
      let after = place;
      for (const row of [...rows.values()].reverse()) {
        if (row.node.nextSibling !== after) parent.insertBefore(row.node, after);
        after = row.node;
      }
    });
    onEnd(() => {
      for (const row of rows.values()) {
        row.scope.end();
        row.node.remove();
      }
      rows = new Map();
    });
  }
}

/**
 * Rows of a list, kept and moved by key; each row is one element, made once, and gets its item as a signal.
 * @template T
 * @param {() => T[] | null | undefined} list
 * @param {(item: T) => any} key
 * @param {(item: Signal<T>, index: Signal<number>) => Node} render
 * @returns {any}
 */
export const each = (list, key, render) =>
  new Each(/** @type {any} */ (list), key, /** @type {any} */ (render));

/**
 * Shows `body` in `place`, instead of what was there; everything in it ends with the scope given back.
 * @param {Element} place
 * @param {() => any} body
 * @returns {Scope}
 */
export function render(place, body) {
  const scope = new Scope();
  scope.run(() => place.replaceChildren(...nodesOf(body())));
  return scope;
}
