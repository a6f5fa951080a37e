// Rates that lanes share: how often something may begin, whatever lane it comes from.
// @ts-check
import { each, html } from "../../core/html.js";
import { duration, plain, plural } from "../../core/format.js";
import { signal } from "../../core/signal.js";
import { part, put, remove } from "../../data/api.js";
import { collect } from "../../data/collect.js";
import { mayRun } from "../../data/me.js";
import { resource } from "../../data/resource.js";
import { confirm } from "../../parts/dialog.js";
import { empty } from "../../parts/empty.js";
import { loaded } from "../../parts/error.js";
import { textField } from "../../parts/field.js";
import { icon } from "../../parts/icon.js";
import { more } from "../../parts/more.js";
import { say } from "../../parts/toast.js";

export function limits() {
  const list = resource(() => "/v1/limits", { every: 5000, fetch: collect("limits") });
  const edit = async (/** @type {any} */ row) => {
    const name = signal(row?.name ?? "");
    const rate = signal(row?.rate ?? "");
    await confirm({
      title: row ? `Change ${plain(row.name, 60)}` : "New limit", verb: row ? "Change" : "Make it",
      body: () => html`<div class="stack">${textField({ label: "Name", value: name, isMono: true, isRequired: true,
        isFirst: !row, isDisabled: Boolean(row), placeholder: "github" })}
        ${textField({ label: "Rate", value: rate, isMono: true, isRequired: true, isFirst: Boolean(row),
          placeholder: "100/m:20",
            hint: "How many may begin in how long: 100/m is one every 600 ms, 100/m:20 lets 20 begin at once "
              + "after a rest." })}</div>`,
      work: async () => {
        await put(`/v1/limits/${part(name.peek())}`, { rate: rate.peek() },
          row ? {} : { headers: { "if-none-match": "*" } });
        say(`${name.peek()}: ${rate.peek()}.`);
        await list.refresh();
      },
    });
  };
  const erase = (/** @type {any} */ row) => confirm({
    title: `Remove the limit ${plain(row.name, 60)}?`, verb: "Remove", isDangerous: true,
    text: row.lanes > 0 ? `${plural(row.lanes, "lane")} still name it: take it from them first.` : "No lane names it.",
    work: async () => {
      await remove(`/v1/limits/${part(row.name)}`);
      await list.refresh();
    },
  });
  const add = html`<button class="button is-primary" disabled=${() => !mayRun.value}
    @click=${() => edit(null)}>${icon("plus")}New limit</button>`;
  return html`<section class="stack"><div class="row"><h2>Limits</h2><span class="grow"></span>${add}</div>
    ${loaded(list, (data) => html`${() => (data.value.limits.length === 0 ? empty({
        title: "No limits yet",
          text: "A limit is a rate that lanes share, as 100 calls a minute of one service. A lane names it in "
            + "its settings; its runs wait for it.",
        command: "opsroom limits set github --rate 100/m" }) : null)}
      <div class="table-wrap" hidden=${() => data.value.limits.length === 0}><table class="table"><thead><tr>
        <th>Name</th><th>Rate</th>
        <th class="is-number">Lanes</th><th class="is-number">Next may begin</th><th class="is-actions"><span
          class="sr">Actions</span></th></tr></thead>
        <tbody>${each(() => data.value.limits, (row) => row.name, (row) => html`<tr>
          <td class="mono">${plain(row.peek().name)}</td>
          <td class="mono">${() => plain(row.value.rate)}</td><td class="is-number">${() => row.value.lanes}</td>
          <td class="is-number">${() => (row.value.wait_ms > 0 ? `in ${duration(row.value.wait_ms)}` : "now")}</td>
          <td class="is-actions"><span class="row"><button class="button is-small" disabled=${() => !mayRun.value}
            aria-label=${`Change ${plain(row.peek().name)}`} @click=${() => edit(row.peek())}>Change…</button>
            <button class="icon-button" disabled=${() => !mayRun.value} aria-label=${`Remove ${plain(row.peek().name)}`}
              @click=${() => erase(row.peek())}>${icon("trash")}</button></span></td></tr>`)}</tbody></table></div>`)}
      ${() => (list.data.value ? more(list.data.value, "limit") : null)}</section>`;
}
