// Tokens: who may do what, made here and shown once, revoked here.
// @ts-check
import { each, html } from "../../core/html.js";
import { fullMoment, plain } from "../../core/format.js";
import { query, setQuery } from "../../core/router.js";
import { signal } from "../../core/signal.js";
import { part, post, remove, url } from "../../data/api.js";
import { collect } from "../../data/collect.js";
import { resource } from "../../data/resource.js";
import { copyButton } from "../../parts/copy.js";
import { confirm, openDialog } from "../../parts/dialog.js";
import { errorPanel, loaded } from "../../parts/error.js";
import { selectField, textField } from "../../parts/field.js";
import { icon } from "../../parts/icon.js";
import { more } from "../../parts/more.js";
import { chip } from "../../parts/status.js";
import { timeAgo } from "../../parts/time.js";
import { say } from "../../parts/toast.js";

const scopes = /** @type {[string, string][]} */ ([
  ["read", "read – look at everything"], ["work", "work – take runs as a worker"], ["run",
    "run – start, change and cancel runs"],
  ["admin", "admin – everything"],
]);
const lifetimes = /** @type {[string, string][]} */ ([
  ["86400", "1 day"], ["604800", "7 days"], ["2592000", "30 days"], ["7776000", "90 days"], ["", "until it is revoked"],
]);

export function tokens() {
  const isAll = () => query.value.get("all") === "1";
  const list = resource(() => url("/v1/tokens", { all: isAll() ? "true" : "" }), { every: 15_000,
    fetch: collect("tokens", 600) });
  const own = resource(() => "/v1/me");
  return html`<section class="stack">
    <div class="row"><h2>Tokens</h2><span class="grow"></span>
      <label class="check"><input type="checkbox" .checked=${isAll} @change=${(/** @type {any} */ event) =>
        setQuery({ all: event.target.checked ? "1" : null })}><span>Revoked and expired, too</span></label>
      <button class="button is-primary" @click=${() => create(() => list.refresh())}>${icon("plus")}New token</button>
        </div>
    ${loaded(list, (data) => html`<div class="table-wrap" tabindex="0" role="region" aria-label="Tokens">
      <table class="table">
      <thead><tr><th>Name</th><th>Scope</th><th class="is-wide-only">Id</th><th class="is-wide-only">Groups</th>
        <th>Last used</th>
        <th class="is-wide-only">Made</th><th>Ends</th><th class="is-actions"><span class="sr">Actions</span></th>
          </tr></thead>
      <tbody>${each(() => data.value.tokens, (token) => token.id, (token) => html`<tr>
        <td>${() => plain(token.value.name, 60)}${() => (own.data.value?.token === token.value.id ? html` <span
          class="tag">yours</span>` : null)}</td>
        <td>${() => token.value.scope}</td><td class="is-wide-only mono">${token.peek().id}</td>
        <td class="is-wide-only">${() => plain(token.value.groups.join(", "), 60) || html`<span
          class="muted">–</span>`}</td>
        <td>${() => (token.value.last_used_at ? timeAgo(() => token.value.last_used_at) : html`<span
          class="muted">never</span>`)}</td>
        <td class="is-wide-only">${timeAgo(() => token.value.created_at)}</td>
        <td>${() => (token.value.revoked_at ? chip(() => "cancelled", () => "Revoked")
          : token.value.expires_at ? timeAgo(() => token.value.expires_at) : html`<span class="muted">never</span>`)}
            </td>
        <td class="is-actions"><button class="button is-small is-danger" hidden=${() => Boolean(token.value.revoked_at)}
          aria-label=${() => `Revoke ${plain(token.value.name, 40)}`}
          @click=${() => revoke(token.peek(), own.data.peek()?.token === token.peek().id,
            () => list.refresh())}>Revoke…</button></td></tr>`)}</tbody>
    </table></div>${() => more(data.value, "token")}`)}
    <p class="muted small">On the command line: <code>opsroom tokens create NAME --scope run</code></p></section>`;
}

/** @param {any} token @param {boolean} isOwn @param {() => void} done */
async function revoke(token, isOwn, done) {
  const isDone = await confirm({
    title: `Revoke ${plain(token.name, 60)}?`, verb: "Revoke", isDangerous: true, typed: isOwn ? token.name : undefined,
    text: isOwn ? "It is the token that you are signed in with: you are signed out at once."
      : "Whoever uses it is refused from now on; its signed-in browsers and streams end.",
    work: () => remove(`/v1/tokens/${part(token.id)}`),
  });
  if (!isDone) return;
  say(`${token.name} is revoked.`);
  done();
}

/** @param {() => void} done */
function create(done) {
  const name = signal("");
  const scope = signal("run");
  const lifetime = signal("2592000");
  const groups = signal("");
  const made = signal(/** @type {any} */ (null));
  openDialog({
    title: "New token",
    body: (dialog) => {
      const { error, isBusy } = dialog;
      dialog.element.addEventListener("close", () => { if (made.peek()) done(); });
      const submit = async (/** @type {Event} */ event) => {
        event.preventDefault();
        const isDone = await dialog.perform(async () => {
          const list = groups.peek().split(",").map((/** @type {string} */ one) => one.trim()).filter(Boolean);
          made.value = await post("/v1/tokens", { name: name.peek(), scope: scope.peek(), ...(list.length > 0
            ? { groups: list } : {}),
            ...(lifetime.peek() ? { expires_in_seconds: Number(lifetime.peek()) } : {}) });
          dialog.isHeld.value = true;
        });
        if (isDone && !dialog.element.open) say(`${name.peek()} is made, but its secret was not shown: revoke it.`);
      };
      return html`<div>${() => (made.value ? shownOnce(made.value, dialog.close) : html`<form class="dialog-form"
        @submit=${submit}>
        ${textField({ label: "Name", value: name, isRequired: true, isFirst: true, placeholder: "deploy-bot",
          hint: "Stands in what it does, as who did it." })}
        ${selectField({ label: "May", value: scope, options: scopes })}
        ${selectField({ label: "Holds", value: lifetime, options: lifetimes })}
        ${textField({ label: "Groups", value: groups, placeholder: "ops, release",
          hint: "By commas; approvals may ask for one of a group." })}
        ${() => (error.value ? errorPanel(error.value) : null)}
        <footer class="dialog-foot"><button type="button" class="button" disabled=${isBusy}
          @click=${dialog.dismiss}>Back</button><button class="button is-primary"
          disabled=${isBusy}>Make it</button></footer></form>`)}</div>`;
    },
  });
}

/** @param {any} token @param {() => void} close */
const shownOnce = (token, close) => html`<div class="dialog-body" role="status">
  <p><b>${plain(token.name, 60)}</b> is made. This is the only time its secret is shown: copy it now.</p>
  <div class="secret"><code>${token.token}</code>${copyButton(() => token.token, "Copy the token")}</div>
  <p class="muted">${token.expires_at ? `It holds until ${fullMoment(token.expires_at)}.`
    : "It holds until it is revoked."}
    Send it as <code>authorization: Bearer …</code>, or set <code>OPSROOM_TOKEN</code>.</p>
  <footer class="dialog-foot"><button class="button is-primary" @click=${close}>I have it</button></footer></div>`;
