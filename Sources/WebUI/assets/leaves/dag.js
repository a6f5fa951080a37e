// The graph of a plan: laid out by the node, drawn once, coloured by the steps' states; zoomed, moved, followed.
// @ts-check
import { html } from "../core/html.js";
import { leaf } from "../core/leaf.js";
import { effect, onEnd, signal } from "../core/signal.js";
import { fit, neighbour, reveal, way, zoomAt } from "../data/viewport.js";
import { icon } from "../parts/icon.js";
import { drawFar, drawNode, make, paint } from "./dag/draw.js";
import { follow } from "./dag/moving.js";

/**
 * @typedef {{id: string, kind: string, x: number, y: number, width: number, height: number, needs: string[],
 *   effects?: string}} GraphNode
 * @typedef {{width: number, height: number, nodes: GraphNode[],
 *   edges: {from: string, to: string, points: [number, number][]}[]}} Graph
 * @typedef {{state: string, note?: string}} NodeState What is written after the kind: a length of time, an attempt.
 * @typedef {{graph: () => Graph, states?: () => Map<string, NodeState>, titles?: Map<string, string>,
 *   selected?: () => string | null, onSelect?: (id: string) => void, onOpen?: (id: string) => void,
 *   canFollow?: boolean}} DagOptions `states`: none is a plan without a run.
 */

/** Below this scale only the states are drawn. */
const farScale = 0.42;
/** Below this scale the second line is left out. */
const middleScale = 0.7;
const keyZoom = 1.25;
/** How far around the chosen step its ring is, seen from afar. */
const ringMargin = 48;
/** A picture that is being moved is drawn anew this often, and once it rests. */
const drawMilliseconds = 300;
const restMilliseconds = 80;
const moveStep = 64;
let last = 0;

/**
 * The graph as an element; it is as large as its place. The picture is drawn once and never laid out again.
 * @param {DagOptions} options
 */
function body(options) {
  const graph = options.graph();
  const own = `dag${(last += 1)}`;
  const byID = new Map(graph.nodes.map((node, index) => [node.id, { node, index, element: drawNode(node,
    `${own}-${index}`) }]));
  // From afar each state is one shape, and edges are two whatever their number: a thousand steps move smoothly.
  const near = make("g", { role: "presentation" });
  near.append(...[...byID.values()].map((entry) => entry.element));
  const far = make("g", { class: "dag-far", role: "presentation" });
  const openEdges = make("path", { class: "dag-edge" });
  const doneEdges = make("path", { class: "dag-edge is-done" });
  const world = make("g", { role: "presentation" });
  const ring = make("rect", { class: "dag-ring", rx: 20 });
  world.append(openEdges, doneEdges, far, near, ring);
  const svg = make("svg", { class: "dag-picture", role: "presentation" });
  svg.append(world);

  let view = { x: 0, y: 0, scale: 1 };
  let isFitted = true;
  const isFollowing = signal(false);
  const cursor = signal(/** @type {string | null} */ (options.selected?.() ?? null));
  const zoom = signal(100);
  let size = { width: 0, height: 0 };

  /** What the picture was last drawn at, and when: between, it is moved as it is. */
  let base = view;
  let drawnAt = 0;
  /** @type {ReturnType<typeof setTimeout> | undefined} */
  let later;
  const draw = () => {
    clearTimeout(later);
    base = view;
    drawnAt = performance.now();
    svg.style.transform = "";
    world.setAttribute("transform", `translate(${base.x.toFixed(2)} ${base.y.toFixed(2)}) scale(${base.scale.toFixed(
      4)})`);
    const isFar = base.scale < farScale;
    svg.classList.toggle("is-far", isFar);
    svg.classList.toggle("is-middle", !isFar && base.scale < middleScale);
    if (!isFar) cull(base);
    zoom.value = Math.round(base.scale * 100);
  };
  const show = (/** @type {typeof view} */ next) => {
    view = next;
    clearTimeout(later);
    if (performance.now() - drawnAt > drawMilliseconds) return draw();
    const by = view.scale / base.scale;
    svg.style.transform = `translate(${view.x - base.x * by}px, ${view.y - base.y * by}px) scale(${by})`;
    later = setTimeout(draw, restMilliseconds);
  };
  /**
   * Nodes that are drawn now.
   * @type {Set<string>}
   */
  const seen = new Set(byID.keys());
  /**
   * Leaves out what is not in view.
   * @param {typeof view} next
   */
  function cull(next) {
    // As much again on each side: it is seen when the picture is moved.
    const width = size.width * 3;
    const height = size.height * 3;
    const left = (-next.x - size.width) / next.scale;
    const top = (-next.y - size.height) / next.scale;
    for (const [id, { node, element }] of byID) {
      const isSeen = node.x + node.width >= left && node.x <= left + width / next.scale
        && node.y + node.height >= top && node.y <= top + height / next.scale;
      if (isSeen === seen.has(id)) continue;
      if (isSeen) {
        seen.add(id);
        element.removeAttribute("display");
      } else {
        seen.delete(id);
        element.setAttribute("display", "none");
      }
    }
  }
  /**
   * The node at a place of the area.
   * @param {MouseEvent} event
   */
  const nodeAt = (event) => {
    const box = area.getBoundingClientRect();
    const x = (event.clientX - box.left - view.x) / view.scale;
    const y = (event.clientY - box.top - view.y) / view.scale;
    return graph.nodes.find((node) => x >= node.x && x <= node.x + node.width && y >= node.y
      && y <= node.y + node.height);
  };
  const fitAll = () => {
    isFitted = true;
    show(fit(graph, size));
  };
  const zoomBy = (/** @type {number} */ factor, x = size.width / 2, y = size.height / 2) => {
    isFitted = false;
    show(zoomAt(view, factor, x, y));
  };
  const toNode = (/** @type {string | null} */ id, isCentred = false) => {
    const found = id === null ? undefined : byID.get(id);
    if (!found || size.width === 0) return;
    const next = reveal(view, found.node, size, { isCentred, readable: isCentred ? middleScale : 0 });
    if (next.x !== view.x || next.y !== view.y || next.scale !== view.scale) isFitted = false;
    show(next);
  };
  const select = (/** @type {string} */ id) => {
    cursor.value = id;
    toNode(id);
    options.onSelect?.(id);
  };

  const area = /** @type {HTMLElement} */ (html`<div class="dag-area" role="listbox" tabindex="0"
    aria-label=${`Graph of ${graph.nodes.length} steps; arrows move from step to step, Enter opens one`}
    aria-activedescendant=${() => (byID.has(cursor.value ?? "") ? `${own}-${byID.get(cursor.value ?? "")?.index}`
      : null)}
    @keydown=${press}>${svg}</div>`);
  follow(area, () => view, show, () => { isFitted = false; isFollowing.value = false; });
  area.addEventListener("click", (event) => {
    const hit = nodeAt(event);
    if (hit) select(hit.id);
  });
  area.addEventListener("dblclick", (event) => {
    const hit = nodeAt(event);
    if (hit) options.onOpen?.(hit.id);
  });

  /** @param {KeyboardEvent} event */
  function press(event) {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const direction = /** @type {any} */ ({ ArrowUp: "up", ArrowDown: "down", ArrowLeft: "left",
      ArrowRight: "right" })[event.key];
    const from = byID.get(cursor.peek() ?? "")?.node;
    if (direction && event.shiftKey) {
      isFitted = false;
      const by = { up: [0, moveStep], down: [0, -moveStep], left: [moveStep, 0], right: [-moveStep,
        0] }[/** @type {"up"} */ (direction)];
      show({ ...view, x: view.x + by[0], y: view.y + by[1] });
    } else if (direction) {
      const next = from ? neighbour(graph.nodes, from, direction) : graph.nodes[0];
      if (next) select(next.id);
    } else if (event.key === "Enter" && from) options.onOpen?.(from.id);
    else if (event.key === "+" || event.key === "=") zoomBy(keyZoom);
    else if (event.key === "-") zoomBy(1 / keyZoom);
    else if (event.key === "0") fitAll();
    else if (event.key === "z") toNode(cursor.peek(), true);
    else return;
    event.preventDefault();
    event.stopPropagation();
  }

  /**
   * What each node was last drawn as.
   * @type {Map<string, string>}
   */
  const drawn = new Map();
  effect(() => {
    const states = options.states?.();
    for (const [id, { node, element }] of byID) {
      const state = states?.get(id);
      const text = states ? `${state?.state ?? "pending"} ${state?.note ?? ""}` : "plan";
      if (drawn.get(id) === text) continue;
      drawn.set(id, text);
      paint(element, node, states ? state ?? { state: "pending" } : null, options.titles?.get(id));
    }
    const done = (/** @type {string} */ id) => ["succeeded", "skipped", "by_hand"].includes(states?.get(id)?.state
      ?? "");
    openEdges.setAttribute("d", graph.edges.filter((edge) => !done(edge.from)).map((edge) => way(edge.points))
      .join(""));
    doneEdges.setAttribute("d", graph.edges.filter((edge) => done(edge.from)).map((edge) => way(edge.points)).join(""));
    drawFar(far, graph.nodes, (id) => (states ? states.get(id)?.state ?? "pending" : null));
  });
  effect(() => {
    const chosen = options.selected?.() ?? null;
    for (const [id, { element }] of byID) {
      element.classList.toggle("is-selected", id === chosen);
      element.setAttribute("aria-selected", String(id === chosen));
    }
    if (chosen !== null) cursor.value = chosen;
    const node = byID.get(chosen ?? "")?.node;
    const around = node ? { x: node.x - ringMargin, y: node.y - ringMargin, width: node.width + 2 * ringMargin,
      height: node.height + 2 * ringMargin } : { x: 0, y: 0, width: 0, height: 0 };
    for (const [name, value] of Object.entries(around)) ring.setAttribute(name, String(value));
  });
  effect(() => {
    if (!isFollowing.value) return;
    const states = options.states?.();
    const under = graph.nodes.find((node) => ["running", "waiting", "retrying"].includes(states?.get(node.id)?.state
      ?? ""));
    if (under) toNode(under.id, true);
  });

  let isFirst = true;
  const observer = new ResizeObserver((entries) => {
    size = { width: entries[0].contentRect.width, height: entries[0].contentRect.height };
    if (size.width === 0) return;
    if (isFitted) fitAll();
    if (isFirst) {
      isFirst = false;
      // A graph that cannot be read as a whole begins at the step that is looked at.
      if (view.scale < farScale && options.selected?.()) toNode(options.selected?.() ?? null, true);
    }
  });
  observer.observe(area);
  onEnd(() => {
    observer.disconnect();
    clearTimeout(later);
  });

  return html`<div class="dag">
    ${area}
    <div class="dag-tools" role="toolbar" aria-label="Graph">
      <button type="button" class="icon-button" aria-label="Zoom in" title="Zoom in (+)"
        @click=${() => zoomBy(keyZoom)}>${icon("zoomIn")}</button>
      <button type="button" class="icon-button" aria-label="Zoom out" title="Zoom out (-)"
        @click=${() => zoomBy(1 / keyZoom)}>${icon("zoomOut")}</button>
      <button type="button" class="icon-button" aria-label="Show all" title="Show all (0)"
        @click=${fitAll}>${icon("fit")}</button>
      <span class="dag-zoom num muted small">${() => `${zoom.value} %`}</span>
      <button type="button" class="button is-small" disabled=${() => (cursor.value === null)}
        title="Zoom to the chosen step (z)"
        @click=${() => toNode(cursor.peek(), true)}>To step</button>
      ${options.canFollow ? html`<button type="button" class="button is-small"
        aria-pressed=${() => String(isFollowing.value)}
        class:is-on=${() => isFollowing.value} title="Keep the step under way in view"
        @click=${() => { isFollowing.value = !isFollowing.peek(); }}>${icon("follow")}Follow</button>` : null}
    </div></div>`;
}

export const dag = leaf("oc-dag", body);
