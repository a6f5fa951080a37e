// Signing in: a token once, a cookie from then on.
// @ts-check
import { html } from "../core/html.js";
import { signal } from "../core/signal.js";
import { signIn } from "../data/me.js";
import { errorPanel } from "./error.js";

/**
 * @param {() => void} done
 * @param {any} [refusal] Why a link did not sign in.
 */
export function signInPage(done, refusal = null) {
  const error = signal(/** @type {any} */ (refusal));
  const isBusy = signal(false);
  const submit = async (/** @type {SubmitEvent} */ event) => {
    event.preventDefault();
    const form = /** @type {HTMLFormElement} */ (event.currentTarget);
    const token = String(new FormData(form).get("token") ?? "").trim();
    if (!token || isBusy.peek()) return;
    isBusy.value = true;
    error.value = null;
    try {
      await signIn({ token });
      done();
    } catch (caught) {
      error.value = caught;
    }
    isBusy.value = false;
  };
  return html`<main class="sign-in"><form class="sign-in-card" @submit=${submit}>
    <span class="brand-mark is-large" aria-hidden="true"></span>
    <h1>Ops Control Room</h1>
    <p class="muted">Sign in with a token. On this machine <code>opsroom open</code> signs you in by itself.</p>
    <label class="field"><span>Token</span>
      <input class="input mono" name="token" type="password" autocomplete="current-password" required autofocus
        spellcheck="false"></label>
    ${() => (error.value ? errorPanel(told(error.value)) : null)}
    <button class="button is-primary" disabled=${isBusy}>Sign in</button>
    <p class="muted small">A token for you: <code>opsroom tokens create NAME --scope run</code></p>
  </form></main>`;
}

/**
 * A refusal without the node's next step, which is for programs: the page says below how to get a token.
 * @param {any} error
 */
const told = (error) => (error.status === 401 ? { message: error.message } : error);
