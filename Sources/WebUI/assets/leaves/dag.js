// The graph of a plan: laid out by the node, drawn once, coloured by the steps' states; zoomed, moved, followed.
// @ts-check
import { plain } from "../core/format.js";
import { html } from "../core/html.js";
import { effect, onEnd, signal } from "../core/signal.js";
import { fit, neighbour, reveal, way, zoomAt } from "../data/viewport.js";
import { icon } from "../parts/icon.js";
import { stateOf } from "../parts/status.js";

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
const wheelZoom = 0.0016;
const keyZoom = 1.25;
const moveStep = 64;
const labelMax = 22;
let last = 0;

/** @param {string} name @param {Record<string, string | number>} attributes @returns {any} */
function make(name, attributes) {
  const element = document.createElementNS("http://www.w3.org/2000/svg", name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, String(value));
  return element;
}

/**
 * The graph as an element; it is as large as its place. The picture is drawn once and never laid out again.
 * @param {DagOptions} options
 */
export function dag(options) {
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
  world.append(openEdges, doneEdges, far, near);
  const svg = make("svg", { class: "dag-picture", role: "presentation" });
  svg.append(world);

  let view = { x: 0, y: 0, scale: 1 };
  let isFitted = true;
  const isFollowing = signal(false);
  const cursor = signal(/** @type {string | null} */ (options.selected?.() ?? null));
  const zoom = signal(100);
  const place = () => ({ width: area.clientWidth, height: area.clientHeight });

  const show = (/** @type {typeof view} */ next) => {
    view = next;
    world.setAttribute("transform", `translate(${next.x.toFixed(2)} ${next.y.toFixed(2)}) scale(${next.scale.toFixed(
      4)})`);
    const isFar = next.scale < farScale;
    svg.classList.toggle("is-far", isFar);
    if (!isFar) cull(next);
    svg.classList.toggle("is-middle", next.scale >= farScale && next.scale < middleScale);
    zoom.value = Math.round(next.scale * 100);
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
    const { width, height } = place();
    const left = -next.x / next.scale;
    const top = -next.y / next.scale;
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
    show(fit(graph, place()));
  };
  const zoomBy = (/** @type {number} */ factor, x = place().width / 2, y = place().height / 2) => {
    isFitted = false;
    show(zoomAt(view, factor, x, y));
  };
  const toNode = (/** @type {string | null} */ id, isCentred = false) => {
    const found = id === null ? undefined : byID.get(id);
    if (!found || area.clientWidth === 0) return;
    const next = reveal(view, found.node, place(), { isCentred, readable: isCentred ? middleScale : 0 });
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
  });
  effect(() => {
    if (!isFollowing.value) return;
    const states = options.states?.();
    const under = graph.nodes.find((node) => ["running", "waiting", "retrying"].includes(states?.get(node.id)?.state
      ?? ""));
    if (under) toNode(under.id, true);
  });

  let isFirst = true;
  const observer = new ResizeObserver(() => {
    if (area.clientWidth === 0) return;
    if (isFitted) fitAll();
    if (isFirst) {
      isFirst = false;
      // A graph that cannot be read as a whole begins at the step that is looked at.
      if (view.scale < farScale && options.selected?.()) toNode(options.selected?.() ?? null, true);
    }
  });
  observer.observe(area);
  onEnd(() => observer.disconnect());

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

/** @param {GraphNode} node @param {string} id */
function drawNode(node, id) {
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
function drawFar(far, nodes, state) {
  /** @type {Map<string, string>} */
  const shapes = new Map();
  for (const node of nodes) {
    const own = state(node.id);
    const name = own === null || own === "pending" ? "dag-quiet" : `tone-${stateOf(own).tone}`;
    shapes.set(name, `${shapes.get(name) ?? ""}M${node.x} ${node.y}h${node.width}v${node.height}h-${node.width}z`);
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
function paint(element, node, state, title) {
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

/**
 * Moves by dragging and the wheel, zooms by the wheel with Ctrl and by two fingers.
 * @param {HTMLElement} area
 * @param {() => import("../data/viewport.js").View} get
 * @param {(view: import("../data/viewport.js").View) => void} set
 * @param {() => void} onMove
 */
function follow(area, get, set, onMove) {
  /** @type {Map<number, {x: number, y: number}>} */
  const pointers = new Map();
  let isDragging = false;
  const at = (/** @type {MouseEvent} */ event) => {
    const box = area.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  };
  area.addEventListener("wheel", (event) => {
    event.preventDefault();
    onMove();
    const unit = event.deltaMode === 1 ? 20 : 1;
    const { x, y } = at(event);
    // A touchpad moves with two fingers and zooms with Ctrl; a wheel's large steps zoom.
    const isZoom = event.ctrlKey || event.metaKey || (event.deltaX === 0 && Math.abs(event.deltaY * unit) >= 50);
    if (isZoom) set(zoomAt(get(), Math.exp(-event.deltaY * unit * wheelZoom * (event.ctrlKey ? 4 : 1)), x, y));
    else set({ ...get(), x: get().x - event.deltaX * unit, y: get().y - event.deltaY * unit });
  }, { passive: false });
  area.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    pointers.set(event.pointerId, at(event));
    isDragging = false;
  });
  area.addEventListener("pointermove", (event) => {
    const before = pointers.get(event.pointerId);
    if (!before) return;
    const now = at(event);
    if (!isDragging && pointers.size === 1 && Math.hypot(now.x - before.x, now.y - before.y) < 4) return;
    if (!isDragging) {
      isDragging = true;
      area.setPointerCapture(event.pointerId);
      area.classList.add("is-dragging");
    }
    onMove();
    const other = [...pointers].find(([id]) => id !== event.pointerId)?.[1];
    if (other) {
      const factor = Math.hypot(now.x - other.x, now.y - other.y) / Math.max(1, Math.hypot(before.x - other.x,
        before.y - other.y));
      set(zoomAt(get(), factor, (now.x + other.x) / 2, (now.y + other.y) / 2));
    } else set({ ...get(), x: get().x + now.x - before.x, y: get().y + now.y - before.y });
    pointers.set(event.pointerId, now);
  });
  const end = (/** @type {PointerEvent} */ event) => {
    pointers.delete(event.pointerId);
    if (pointers.size === 0) area.classList.remove("is-dragging");
  };
  area.addEventListener("pointerup", end);
  area.addEventListener("pointercancel", end);
  // What was dragged is not clicked.
  area.addEventListener("click", (event) => {
    if (isDragging) event.stopImmediatePropagation();
    isDragging = false;
  }, { capture: true });
}
