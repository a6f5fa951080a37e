// How the steps of a graph are drawn: as boxes with words from near, as one shape for each state from afar.
// @ts-check
import { plain } from "../../core/format.js";
import { svg } from "../../core/html.js";
import { stateOf } from "../../parts/status.js";

/**
 * @typedef {import("../dag.js").GraphNode} GraphNode
 * @typedef {import("../dag.js").NodeState} NodeState
 */

/** The names of drawings, as the templates know them. */
const space = /** @type {Element} */ (svg`<g></g>`).namespaceURI;
/** Characters that fit into a node. */
const labelMax = 22;
/** What is drawn over everything else from afar, the loudest last. */
const loud = new Set(["tone-running", "tone-retrying", "tone-waiting", "tone-failed"]);

/** @param {string} name @param {Record<string, string | number>} attributes @returns {any} */
export function make(name, attributes) {
  const element = document.createElementNS(space, name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/** @param {GraphNode} node @param {string} id */
export function drawNode(node, id) {
  const group = make("g", { class: "dag-node", role: "option", id, "data-id": node.id, "aria-selected": "false",
    transform: `translate(${node.x} ${node.y})` });
  group.append(
    make("rect", { class: "dag-box", width: node.width, height: node.height, rx: 6 }),
    make("path", { class: "dag-state", d: `M6 0H5a5 5 0 0 0-5 5v${node.height - 10}a5 5 0 0 0 5 5h1z` }),
    make("text", { class: "dag-sign", x: 18, y: node.height / 2 + 4, "text-anchor": "middle" }),
    make("text", { class: "dag-label", x: 30, y: node.height / 2 - 3 }),
    make("text", { class: "dag-note", x: 30, y: node.height / 2 + 13 }), make("title", {}));
  return group;
}

/**
 * Draws all nodes of a state as one shape.
 * @param {any} far
 * @param {GraphNode[]} nodes
 * @param {(id: string) => string | null} state
 */
export function drawFar(far, nodes, state) {
  /** @type {Map<string, string>} */
  const shapes = new Map();
  for (const node of nodes) {
    const own = state(node.id);
    const name = own === null || own === "pending" ? "dag-quiet" : `tone-${stateOf(own).tone}`;
    // What wants to be seen is larger, and over the rest.
    const more = loud.has(name) ? 14 : 0;
    shapes.set(name, `${shapes.get(name) ?? ""}M${node.x - more} ${node.y - more}h${node.width + 2 * more}v${
      node.height + 2 * more}h-${node.width + 2 * more}z`);
  }
  for (const name of loud) {
    const shape = shapes.get(name);
    if (shape && shapes.delete(name)) shapes.set(name, shape);
  }
  const text = JSON.stringify([...shapes]);
  if (far.getAttribute("data-drawn") === text) return;
  far.setAttribute("data-drawn", text);
  far.replaceChildren(...[...shapes].map(([name, d]) => make("path", { class: `dag-shape ${name}`, d })));
}

/** @param {string} text */
const cut = (text) => (text.length > labelMax ? `${text.slice(0, labelMax - 1)}…` : text);

/**
 * Writes a node's texts and state.
 * @param {any} element
 * @param {GraphNode} node
 * @param {NodeState | null} state
 * @param {string | undefined} title
 */
export function paint(element, node, state, title) {
  const known = state ? stateOf(state.state) : null;
  element.setAttribute("class", `dag-node ${known ? `tone-${known.tone} is-${state?.state}` : "is-plan"}${
    element.classList.contains("is-selected") ? " is-selected" : ""}`);
  const [, , sign, label, note, hint] = element.children;
  const name = plain(title || node.id, 200);
  sign.textContent = known ? known.sign : node.effects === "destructive" ? "!" : "·";
  label.textContent = cut(name);
  note.textContent = cut([node.kind, state?.note ?? (state ? "" : node.effects ?? "")].filter(Boolean).join(" · "));
  hint.textContent = [name, title ? plain(node.id, 100) : "", known?.word, state?.note, node.kind].filter(Boolean)
    .join(" · ");
  element.setAttribute("aria-label", [name, known?.word ?? node.kind, state?.note].filter(Boolean).join(", "));
}
