// The cluster: its nodes and their leases, who coordinates, where shards are and what moves.
// @ts-check
import { html } from "../core/html.js";
import { duration, plain, plural } from "../core/format.js";
import { bind } from "../core/keys.js";
import { each } from "../core/html.js";
import { computed, effect, signal, untracked } from "../core/signal.js";
import { post } from "../data/api.js";
import { colouring, troubles } from "../data/cluster.js";
import { mayAdmin } from "../data/me.js";
import { resource } from "../data/resource.js";
import { confirm } from "../parts/dialog.js";
import { loaded } from "../parts/error.js";
import { icon } from "../parts/icon.js";
import { pageHead } from "../parts/page.js";
import { say } from "../parts/toast.js";
import { nodeTable } from "./cluster/nodes.js";
import { openMove } from "./cluster/move.js";
import { shardMap } from "./cluster/shard-map.js";
import { health } from "./cluster/health.js";

export default function clusterPage() {
  const cluster = resource(() => "/v1/cluster", { every: 1000, gapMilliseconds: 500 });
  const shards = resource(() => "/v1/shards", { every: 10_000, gapMilliseconds: 1000 });
  // Where shards are is asked anew when the cluster says that something moved.
  const moving = computed(() => {
    const now = cluster.data.value;
    return now ? JSON.stringify([now.view, now.free_shards, now.nodes.map((/** @type {any} */ node) =>
      [node.name, node.status, node.running, node.handing_off, node.assigned])]) : "";
  });
  effect(() => {
    if (moving.value) untracked(() => shards.refresh());
  });
  const tints = computed(() => colouring(cluster.data.value?.nodes ?? []));
  const chosen = signal(/** @type {number[]} */ ([]));
  bind("b", "Make loads even", () => { if (mayAdmin.peek()) rebalance(cluster); });
  return html`<div class="page cluster-page">${pageHead({
    title: () => "Cluster",
    note: html`<span class="muted">${() => (cluster.data.value
      ? plural(cluster.data.value.nodes.filter((/** @type {any} */ node) =>
      node.status !== "dead").length, "node") : "")}</span>`,
    actions: html`<button class="button" disabled=${() => !mayAdmin.value} title=${() => (mayAdmin.value
      ? null : needsAdmin)}
      @click=${() => rebalance(cluster)}>Make loads even…</button>`,
  })}
  ${loaded(cluster, (data) => html`<div class="stack cluster-body">
    ${each(() => troubles(data.value), (trouble) => trouble.text, (trouble) => html`<div
      class=${() => `trouble tone-${trouble.value.tone}`}
      role="status">${icon("warning")}<span>${() => plain(trouble.value.text)}</span></div>`)}
    <section class="figures" aria-label="The cluster">
      ${figure("Coordinator", () => plain(data.value.coordinator?.name ?? "nobody", 40))}
      ${figure("Term", () => (data.value.coordinator ? `${data.value.coordinator.epoch}, ${duration(
        data.value.coordinator.left_ms)} left` : "–"))}
      ${figure("Shards that move", () => String(data.value.moves.length))}
      ${figure("Shards without an owner", () => String(data.value.free_shards))}
      ${figure("View", () => String(data.value.view))}
      ${figure("Protocol", () => String(data.value.protocol))}
    </section>
    ${nodeTable(cluster, tints)}
    <div class="cluster-columns">
      <section class="panel stack"><div class="row"><h2>Shards</h2><span class="grow"></span>
        <button class="button is-small" disabled=${() => !mayAdmin.value || chosen.value.length === 0}
          title=${() => (mayAdmin.value ? "Choose shards in the map first" : needsAdmin)}
          @click=${() => openMove((shards.data.peek()?.shards ?? []).filter((/** @type {any} */ shard) =>
            chosen.peek().includes(shard.shard)), data.peek().nodes,
            () => { chosen.value = []; cluster.refresh(); shards.refresh(); })}>
          ${() => (chosen.value.length > 0 ? `Move ${plural(chosen.value.length, "shard")}…` : "Move…")}</button></div>
        ${loaded(shards, (list) => shardMap(() => list.value.shards, tints, chosen))}</section>
      <div class="stack">
        <section class="panel stack"><h2>Moves under way</h2>${moves(() => data.value.moves)}</section>
        ${health()}
      </div>
    </div>
  </div>`)}</div>`;
}

const needsAdmin = "This needs a token with the scope admin";

/** @param {string} name @param {() => string} value */
const figure = (name, value) => html`<div class="figure"><span class="muted">${name}</span><span
  class="figure-value clip">${value}</span></div>`;

/** @param {() => any[]} list */
const moves = (list) => html`<div>${() => (list().length === 0 ? html`<p class="muted">No shard is on its way.</p>`
  : html`<p class="muted">${plural(list().length, "shard")} on the way; an owner ends what is under way first.</p>`)}
  <ul class="moves" tabindex="0" aria-label="Shards that move">${each(() => list().slice(0, 50),
    (shard) => shard.shard, (shard) => html`<li class="row"><span
    class="num shard-number">${() =>
    shard.value.shard}</span><span>${() => plain(shard.value.owner ?? "nobody",
      40)} → ${() => plain(shard.value.target ?? "?", 40)}</span>
    <span class="grow"></span><span class="muted">${() => duration(shard.value.state_ms)}</span></li>`)}</ul></div>`;

/**
 * Shows what a round would move, then has it done.
 * @param {import("../data/resource.js").Resource<any>} cluster
 */
async function rebalance(cluster) {
  const plan = signal(/** @type {any} */ (null));
  const error = signal("");
  post("/v1/shards/rebalance", { dry_run: true }).then((answer) => { plan.value = answer; },
    (caught) => { error.value = caught.message; });
  await confirm({
    title: "Make loads even?", verb: "Move them",
    text: "Moves one round of shards from nodes with many to nodes with few. Runs go on; each shard's runs "
      + "pause for moments.",
    body: () => html`<p role="status">${() => {
      if (error.value) return error.value;
      if (!plan.value) return html`<span class="muted">Looking…</span>`;
      const count = plan.value.moves.length;
      return count > 0 ? `It would move ${plural(count, "shard")}${plan.value.more ? ", and more in the next round"
        : ""}.`
        : `It would move nothing: ${plain(plan.value.reason ?? "loads are even")}.`;
    }}</p>`,
    work: async () => {
      const answer = await post("/v1/shards/rebalance", {});
      say(answer.moves.length > 0 ? `${plural(answer.moves.length, "shard")} move.`
        : `Nothing moves: ${plain(answer.reason ?? "loads are even")}.`);
      cluster.refresh();
    },
  });
}
