// The table of nodes, and what an operator does with one: drain, have it take part again, declare it gone.
// @ts-check
import { each, html } from "../../core/html.js";
import { duration, plain, plural } from "../../core/format.js";
import { effect, signal } from "../../core/signal.js";
import { part, post } from "../../data/api.js";
import { drained, standing } from "../../data/cluster.js";
import { mayAdmin } from "../../data/me.js";
import { resource } from "../../data/resource.js";
import { confirm } from "../../parts/dialog.js";
import { once, sentence } from "../../parts/error.js";
import { menuButton } from "../../parts/menu.js";
import { timeAgo } from "../../parts/time.js";
import { attempt, say } from "../../parts/toast.js";

/**
 * @param {import("../../data/resource.js").Resource<any>} cluster
 * @param {import("../../core/signal.js").Readable<Map<string, number>>} tints
 */
export function nodeTable(cluster, tints) {
  // How many runs a node has and since when it is there is told by the list of nodes.
  const list = resource(() => "/v1/nodes?limit=200", { every: 5000 });
  const isShown = signal(false);
  // The cluster forgets those that are gone; the list does not.
  const all = resource(() => (isShown.value ? "/v1/nodes?dead=true&limit=200" : null), { every: 5000 });
  const more = (/** @type {number} */ number) => list.data.value?.nodes.find((/** @type {any} */ node) =>
    node.number === number);
  /** The greatest lease that was seen: what a full bar is. */
  const lease = signal(1);
  /**
   * Shards that a draining node had at first.
   * @type {Map<number, number>}
   */
  const first = new Map();
  effect(() => {
    for (const node of cluster.data.value?.nodes ?? []) {
      if (node.lease_ms > lease.peek()) lease.value = node.lease_ms;
      if (node.status !== "draining") first.delete(node.number);
      else if (!first.has(node.number)) first.set(node.number, node.assigned + node.running + node.handing_off);
    }
  });
  const gone = () => (all.data.value?.nodes ?? []).filter((/** @type {any} */ node) => node.status === "dead");
  const rows = () => [...cluster.data.value?.nodes ?? [], ...gone().map((/** @type {any} */ node) => ({ ...node,
    zone: "", status_ms: null, assigned: 0, running: 0, handing_off: 0 }))];
  return html`<div class="stack"><div class="table-wrap" tabindex="0" role="region" aria-label="Nodes">
    <table class="table nodes-table">
    <thead><tr><th>Node</th><th>State</th><th>Lease</th><th>Shards</th><th class="is-number">Runs</th>
      <th class="is-wide-only">Zone</th><th class="is-wide-only">Build</th><th class="is-wide-only">Address</th>
        <th class="is-wide-only">Up since</th>
      <th class="is-actions"><span class="sr">Actions</span></th></tr></thead>
    <tbody>${each(rows, (node) => node.number, (node) => nodeRow(node, { tints, lease, first, more, cluster }))}
      </tbody></table></div>
    <p class="row"><button class="icon-link" @click=${() => { isShown.value = !isShown.peek(); }}>${() =>
      (isShown.value ? "Hide nodes that are gone" : "Show nodes that are gone")}</button>
      <span class="muted" role="status">${() => (all.error.value ? `They cannot be told: ${sentence(all.error.value)}`
        : !all.data.value ? "" : gone().length === 0 ? "None is gone." : all.data.value.next
          ? "These are the first; there are more." : "")}</span></p></div>`;
}

/** @param {import("../../core/signal.js").Signal<any>} node @param {any} context */
function nodeRow(node, { tints, lease, first, more, cluster }) {
  const { number, name } = node.peek();
  const here = () => standing(node.value);
  // Each answer is a new object: a button must not be made anew with it, or it loses the focus.
  const isDraining = () => node.value.status === "draining";
  const left = () => drained(node.value, first.get(number) ?? 0);
  return html`<tr class:is-gone=${() => node.value.status === "dead"}>
    <td><span class="row"><span class=${() => `owner-dot owner-${tints.value.get(name) ?? 0}`}
      aria-hidden="true"></span>
      <span class="node-name">${plain(name, 60)}</span><span class="muted num">#${number}</span>
      ${() => (cluster.data.value?.coordinator?.node === number ? html`<span class="tag">coordinates</span>`
        : null)}</span></td>
    <td><span class=${() => `chip tone-${here().tone}`}><span class="sign"
      aria-hidden="true">${() => here().sign}</span>${() => here().word}</span>
      <span class="muted"> ${() => (node.value.status_ms === null ? "" : seconds(node.value.status_ms))}</span></td>
    <td><span class="lease"><span class=${() => `bar tone-${node.value.lease_ms > lease.value / 3
      ? "succeeded" : "waiting"}`} aria-hidden="true"><span
      style:width=${() => `${Math.max(0, Math.min(100, (100 * node.value.lease_ms) / lease.value))}%`}></span></span>
      <span class="num">${() => (node.value.status === "dead" ? "–" : duration(node.value.lease_ms))}</span></span></td>
    <td>${once(isDraining, () => html`<span class="lease"><span class="bar tone-waiting" role="progressbar"
        aria-label=${`Drained of ${plain(name, 40)}`} aria-valuemin="0" aria-valuemax="100"
        aria-valuenow=${() => Math.round(left().share * 100)}><span
          style:width=${() => `${left().share * 100}%`}></span></span>
        <span class="num">${() => (left().left === 0 ? "drained" : `${left().left} left`)}</span></span>`,
      () => html`<span class="num">${() => node.value.running}</span> <span class="muted">${() =>
        [node.value.assigned > 0 ? `${node.value.assigned} coming` : "",
          node.value.handing_off > 0 ? `${node.value.handing_off} going` : ""].filter(Boolean).join(", ")}</span>`)}
            </td>
    <td class="is-number">${() => (node.value.status === "dead" ? "–" : more(number)?.runs ?? "–")}</td>
    <td class="is-wide-only">${() => plain(node.value.zone, 40) || html`<span class="muted">–</span>`}</td>
    <td class="is-wide-only mono">${() => plain(node.value.build, 20)}</td>
    <td class="is-wide-only"><span class="clip node-address" title=${() => plain(node.value.address)}>${() =>
      plain(node.value.address, 60)}</span></td>
    <td class="is-wide-only">${timeAgo(() => node.value.started_at ?? more(number)?.started_at)}</td>
    <td class="is-actions"><span class="row">${once(isDraining, () => html`<button class="button is-small"
        disabled=${() => !mayAdmin.value} aria-label=${`Undrain ${plain(name, 40)}`}
        @click=${() => undrain(node.peek(), cluster)}>Undrain</button>`,
      () => html`<button class="button is-small" aria-label=${`Drain ${plain(name, 40)}`}
        disabled=${() => !mayAdmin.value || node.value.status !== "active"}
        @click=${() => drain(node.peek(), cluster)}>Drain…</button>`)}
      ${menuButton({ label: `More for ${plain(name, 40)}`, items: () => [
        { text: "Evict…", icon: "trash", isDangerous: true, isDisabled: !mayAdmin.peek()
          || node.peek().status === "dead",
          why: mayAdmin.peek() ? undefined : "This needs the scope admin", run: () => evict(node.peek(), cluster) },
      ] })}</span></td></tr>`;
}

/**
 * Whole seconds: what is asked for once a second has no tenths.
 * @param {number} milliseconds
 */
const seconds = (milliseconds) =>
  duration(Math.max(1, Math.floor(milliseconds / 1000)) * 1000).replace(".0 s", " s");

/** @param {any} node @param {import("../../data/resource.js").Resource<any>} cluster */
async function drain(node, cluster) {
  const others = cluster.data.peek().nodes.filter((/** @type {any} */ other) =>
    other.number !== node.number && other.status === "active" && other.lease_ms > 0).length;
  await confirm({
    title: `Drain ${plain(node.name, 60)}?`, verb: "Drain", isDangerous: others === 0,
    text: others === 0 ? "It is the only node that takes shards: it keeps them, begins no more runs where it "
      + "can, and nobody takes them over until another node joins."
      : `It gives its ${plural(node.running, "shard")} to ${plural(others,
        "other node")} and takes no more. What runs on it ends or goes on elsewhere.`,
    work: async () => {
      await post(`/v1/nodes/${part(node.number)}/drain`, {});
      say(`${node.name} drains.`);
      await cluster.refresh();
    },
  });
}

/** @param {any} node @param {import("../../data/resource.js").Resource<any>} cluster */
async function undrain(node, cluster) {
  await attempt(() => post(`/v1/nodes/${part(node.number)}/undrain`, {}), `${node.name} takes part again.`);
  cluster.refresh();
}

/** @param {any} node @param {import("../../data/resource.js").Resource<any>} cluster */
const evict = (node, cluster) => confirm({
  title: `Evict ${plain(node.name, 60)}?`, verb: "Evict", isDangerous: true, typed: node.name,
  text: "For a node that is gone for good: its shards are free at once, and its runs go on elsewhere. One that "
    + "lives learns it within seconds and starts over.",
  work: async () => {
    await post(`/v1/nodes/${part(node.number)}/evict`, {});
    say(`${node.name} is evicted.`);
    await cluster.refresh();
  },
});
