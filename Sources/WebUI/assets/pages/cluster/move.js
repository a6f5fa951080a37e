// The dialog that moves shards to a node, with what would become of each.
// @ts-check
import { html } from "../../core/html.js";
import { plain, plural } from "../../core/format.js";
import { effect, signal, untracked } from "../../core/signal.js";
import { post } from "../../data/api.js";
import { confirm } from "../../parts/dialog.js";
import { selectField } from "../../parts/field.js";
import { say } from "../../parts/toast.js";

/**
 * @param {any[]} shards @param {any[]} nodes
 * @param {() => void} done
 */
export async function openMove(shards, nodes, done) {
  const takers = nodes.filter((node) => node.status === "active" && node.lease_ms > 0);
  const numbers = shards.map((shard) => shard.shard);
  const held = (/** @type {any} */ node) => shards.filter((shard) => shard.owner === node.name).length;
  // Who has fewest of them is likely meant.
  const [first] = [...takers].sort((a, b) => held(a) - held(b) || a.running - b.running);
  const to = signal(String(first?.number ?? ""));
  const told = signal(/** @type {any} */ (null));
  const isDone = await confirm({
    title: `Move ${plural(shards.length, "shard")}`, verb: "Move",
    text: "An owner ends what is under way in a shard first; then its runs go on at the other node. Loads are made even "
      + "by themselves: what is too much for a node moves on.",
    body: () => {
      effect(() => {
        const target = to.value;
        told.value = null;
        if (target) untracked(() => post("/v1/shards/move", { shards: numbers, to: target, dry_run: true }).then((answer) => {
          if (to.peek() === target) told.value = answer;
        }, (error) => { told.value = { error: error.message }; }));
      });
      return html`<div class="stack">
        ${selectField({ label: "To", value: to, options: takers.map((node) => [String(node.number),
          `${plain(node.name, 60)} (${node.running} shards)`]) })}
        <p class="muted" role="status">${() => sentence(told.value)}</p></div>`;
    },
    work: async () => {
      const answer = await post("/v1/shards/move", { shards: numbers, to: to.peek() });
      const moved = count(answer, "moves");
      say(moved > 0 ? `${plural(moved, "shard")} ${moved === 1 ? "moves" : "move"}.` : `Nothing moves: ${sentence(answer)}`);
    },
  });
  if (isDone) done();
}

/** @param {any} answer @param {string} outcome */
const count = (answer, outcome) => answer.moves.filter((/** @type {any} */ move) => move.outcome === outcome).length;

/** @param {any} answer */
function sentence(answer) {
  if (!answer) return "Looking what would become of them…";
  if (answer.error) return answer.error;
  const words = /** @type {[string, string][]} */ ([["moves", "would move"], ["under_way", "on the way already"],
    ["there", "there already"],
    ["kept", "would stay"], ["passed_over", "passed over"]]);
  return words.map(([outcome, word]) => [count(answer, outcome), word]).filter(([number]) => Number(number) > 0)
    .map(([number, word]) => `${number} ${word}`).join(", ") + ".";
}
