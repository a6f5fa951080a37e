// Who is signed in, and how the page looks in this browser.
// @ts-check
import { html } from "../../core/html.js";
import { plain } from "../../core/format.js";
import { density, isNavigationWide, isNotifying, theme } from "../../core/settings.js";
import { signal } from "../../core/signal.js";
import { me, signOut } from "../../data/me.js";
import { isPossible, turnOn } from "../../data/notify.js";
import { icon } from "../../parts/icon.js";
import { openKeys } from "../../parts/keys-overlay.js";
import { attempt, fail } from "../../parts/toast.js";

const scopes = /** @type {Record<string, string>} */ ({
  read: "may look at everything", work: "may look, and take runs as a worker",
    run: "may look, and start, change and cancel runs",
  admin: "may do everything, tokens and nodes included",
});

export function you() {
  return html`<div class="stack settings-stack">
    <section class="panel stack"><h2>Signed in</h2>
      <dl class="facts"><dt>Name</dt><dd>${() => plain(me.value?.name ?? "")}</dd>
        <dt>Scope</dt><dd><b>${() => me.value?.scope ?? ""}</b> <span
          class="muted">${() => scopes[me.value?.scope ?? ""] ?? ""}</span></dd>
        ${() => ((me.value?.groups ?? []).length > 0 ? html`<dt>Groups</dt>
          <dd>${plain((me.value?.groups ?? []).join(", "))}</dd>` : null)}</dl>
      <div><button class="button" @click=${() => attempt(async () =>
        { await signOut(); location.assign("/ui"); })}>Sign out</button></div></section>
    <section class="panel stack"><h2>Look</h2>
      ${choice("Theme", theme, [["system", "As the system"], ["dark", "Dark"], ["light", "Light"]])}
      ${choice("Rows", density, [["default", "Comfortable"], ["compact", "Compact"]])}
      ${choice("Navigation", isNavigationWide, [[true, "With words"], [false, "Icons only"]])}
      <p class="muted small">Kept in this browser. All of it is in the command bar, too.</p></section>
    ${notes()}
    <section class="panel stack"><h2>Keys</h2><p class="muted">Everything can be done with the keyboard. <kbd>?</kbd>
      shows the keys of the page you are on.</p>
      <div><button class="button" @click=${openKeys}>${icon("command")}Show the keys</button></div></section>
  </div>`;
}

/** @param {string} name @param {import("../../core/signal.js").Signal<any>} value @param {[any, string][]} options */
const choice = (name, value, options) => html`<div class="setting"><span class="label"
  id=${`setting-${name}`}>${name}</span>
  <div class="segments" role="group" aria-labelledby=${`setting-${name}`}>${options.map(([option, word]) => html`<button
    aria-pressed=${() => String(value.value === option)} @click=${() => { value.value = option; }}>${word}</button>`)}
      </div></div>`;

function notes() {
  const permission = signal(isPossible ? Notification.permission : "denied");
  const isOn = () => isNotifying.value && permission.value === "granted";
  const turn = async () => {
    if (isOn()) {
      isNotifying.value = false;
      return;
    }
    const isTurned = await turnOn();
    permission.value = Notification.permission;
    if (!isTurned) {
      fail({ message: "the browser does not allow notes of this page",
        next: "allow them beside the address, then turn them on here" });
    }
  };
  return html`<section class="panel stack"><h2>Notes</h2>
    <p class="muted">A note of the browser when something begins to wait for you, while no tab of the page is in view. One
      tab shows it.</p>
    <div class="setting"><span class="label">When something waits</span>
      <button class="switch" role="switch" aria-checked=${() => String(isOn())}
        aria-label="Notes when something waits for you" disabled=${!isPossible}
        @click=${turn}><span></span></button>
      <span class="muted">${() => (!isPossible
        ? "This browser shows none here: they need HTTPS or this machine’s own address."
        : isOn() ? "On" : permission.value === "denied" ? "Off: the browser forbids them for this page."
          : "Off")}</span></div></section>`;
}
