// All 1,024 shards at a glance: small cells, coloured by owner; the pointer and the arrow keys read and choose them.
// @ts-check
import { each, html, svg } from "../../core/html.js";
import { duration, plain, plural } from "../../core/format.js";
import { computed, effect, signal } from "../../core/signal.js";
import { holdings } from "../../data/cluster.js";

const columns = 64;
const cell = 10;

/**
 * @param {() => any[]} shards
 * @param {import("../../core/signal.js").Readable<Map<string, number>>} tints
 * @param {import("../../core/signal.js").Signal<number[]>} chosen Numbers of the shards that are chosen.
 */
export function shardMap(shards, tints, chosen) {
  const at = signal(/** @type {number | null} */ (null));
  const lit = signal(/** @type {string | null} */ (null));
  const byNumber = computed(() => new Map(shards().map((shard) => [shard.shard, shard])));
  const owners = computed(() => holdings(shards()));
  /** @type {SVGRectElement[]} */
  const cells = [];
  const rows = 1024 / columns;
  const drawing = html`<svg class="shard-map" viewBox=${`0 0 ${columns * cell} ${rows * cell}`} tabindex="0" role="img"
    aria-label=${() => `Shards by owner: ${owners.value.map(({ owner,
      count }) => `${owner ?? "nobody"} ${count}`).join(", ")}. Arrow keys read, space chooses.`}
    @pointermove=${(/** @type {any} */ event) => { at.value = numberOf(event.target); drag(event); }}
    @pointerdown=${(/** @type {any} */ event) => begin(event)} @pointerleave=${() => { at.value = null; }}
    @keydown=${(/** @type {KeyboardEvent} */ event) => press(event)} @blur=${() => { at.value = null; }}>${
      Array.from({ length: 1024 }, (_, number) => {
        const rect = svg`<rect x=${(number % columns) * cell + 0.5} y=${Math.floor(number / columns) * cell + 0.5}
          width=${cell - 1} height=${cell - 1} rx="1.5"></rect>`;
        rect.dataset.shard = String(number);
        cells.push(rect);
        return rect;
      })}</svg>`;
  // Only the cells that changed are touched: the map is redrawn often while shards move.
  /** @type {string[]} */
  const drawn = [];
  effect(() => {
    const map = byNumber.value;
    const colours = tints.value;
    const own = new Set(chosen.value);
    const only = lit.value;
    const here = at.value;
    for (let number = 0; number < cells.length; number += 1) {
      const shard = map.get(number);
      const name = shard?.owner ?? null;
      const look = `${name === null ? "is-free" : `owner-${colours.get(name) ?? 0}`}${shard
        && !["running", "free"].includes(shard.state) ? " is-moving" : ""}${
        own.has(number) ? " is-chosen" : ""}${only !== null && name !== only ? " is-dim" : ""}${here === number
          ? " is-at" : ""}`;
      if (drawn[number] === look) continue;
      drawn[number] = look;
      cells[number].setAttribute("class", look);
    }
  });

  let isAdding = true;
  const begin = (/** @type {PointerEvent} */ event) => {
    const number = numberOf(event.target);
    if (number === null) return;
    isAdding = !chosen.peek().includes(number);
    choose(number);
  };
  const drag = (/** @type {PointerEvent} */ event) => {
    const number = numberOf(event.target);
    if (event.buttons === 1 && number !== null) choose(number);
  };
  const choose = (/** @type {number} */ number) => {
    const now = chosen.peek();
    if (now.includes(number) === isAdding) return;
    chosen.value = isAdding ? [...now, number].sort((a, b) => a - b) : now.filter((one) => one !== number);
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    const moves = /** @type {Record<string, number>} */ ({ ArrowLeft: -1, ArrowRight: 1, ArrowUp: -columns,
      ArrowDown: columns });
    const now = at.peek();
    if (event.key in moves) at.value = now === null ? 0 : Math.min(1023, Math.max(0, now + moves[event.key]));
    else if (event.key === "Home") at.value = 0;
    else if (event.key === "End") at.value = 1023;
    else if (event.key === " " && now !== null) {
      isAdding = !chosen.peek().includes(now);
      choose(now);
    } else return;
    event.preventDefault();
    event.stopPropagation();
  };
  return html`<div class="stack">
    <div class="shard-legend">${each(() => owners.value, (one) => one.owner ?? "", (one) => html`<button
      class="shard-owner"
      aria-pressed=${() => String(lit.value === one.value.owner && lit.value !== null)} @click=${() => {
        lit.value = lit.peek() === one.peek().owner ? null : one.peek().owner;
      }}><span class=${() => (one.value.owner === null ? "owner-dot is-free" : `owner-dot owner-${tints.value.get(
        one.value.owner) ?? 0}`)}
      aria-hidden="true"></span>${() => plain(one.value.owner ?? "nobody", 40)} <span
        class="muted num">${() => one.value.count}</span></button>`)}
      <span class="grow"></span><button class="icon-link" hidden=${() => chosen.value.length === 0}
        @click=${() => { chosen.value = []; }}>${() => `Clear ${plural(chosen.value.length, "shard")}`}</button>
      <button class="icon-link" hidden=${() => lit.value === null} @click=${() => {
        chosen.value = shards().filter((shard) => shard.owner === lit.peek()).map((shard) => shard.shard);
      }}>Choose all of it</button></div>
    ${drawing}
    <p class="muted shard-told" role="status">${() => told(at.value === null ? null : byNumber.value.get(at.value))}</p>
  </div>`;
}

/** @param {any} target */
const numberOf = (target) => (target?.dataset?.shard === undefined ? null : Number(target.dataset.shard));

/** @param {any} shard */
function told(shard) {
  if (!shard) return "Point at a shard to see whose it is; click or drag to choose some.";
  const states = /** @type {Record<string, string>} */ ({ running: "served", free: "free", assigned: "coming up",
    handing_off: "handed over" });
  return `Shard ${shard.shard}: ${plain(shard.owner ?? "nobody", 60)}${shard.target ? ` → ${plain(shard.target,
    60)}` : ""}, ${
    states[shard.state] ?? shard.state} for ${duration(shard.state_ms)}, generation ${shard.generation}.`;
}
