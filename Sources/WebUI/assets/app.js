// The page's beginning: who is signed in, the frame around the pages, and which page the address means.
// @ts-check
import * as clock from "./core/clock.js";
import { html, render } from "./core/html.js";
import * as keys from "./core/keys.js";
import * as router from "./core/router.js";
import * as settings from "./core/settings.js";
import { effect, signal } from "./core/signal.js";
import { onSignedOut } from "./data/api.js";
import { load, me, signIn, wasSignedIn } from "./data/me.js";
import * as stream from "./data/stream.js";
import { pageOf } from "./pages.js";
import { errorPanel } from "./parts/error.js";
import { shell } from "./parts/shell.js";
import { toasts } from "./parts/toast.js";

const root = /** @type {HTMLElement} */ (document.getElementById("app"));
/**
 * What keeps the page from being shown; `null` while it is.
 * @type {import("./core/signal.js").Signal<any>}
 */
const obstacle = signal(/** @type {any} */ ("loading"));

/**
 * The page for signing in, once it is loaded: most visits do without.
 * @type {import("./core/signal.js").Signal<any>}
 */
const signInBody = signal(/** @type {any} */ (null));

/** @param {any} [error] Why a link did not sign in. */
async function askToSignIn(error) {
  // A key that was pressed for the browser is not ours later.
  /** @type {any} */ (globalThis).opsroomKeys?.();
  try {
    const { signInPage } = await import("./parts/sign-in.js");
    signInBody.value = () => signInPage(() => location.reload(), error);
    obstacle.value = "signed-out";
  } catch (failure) {
    late(failure);
  }
}

/** @param {unknown} failure */
function late(failure) {
  // Told once, and again only when it is another one: whoever listens hears each of them.
  if (obstacle.peek()?.message !== /** @type {any} */ (failure)?.message) obstacle.value = failure;
  setTimeout(begin, 3000);
}

/** The code of a link that signs in, until the node has said something of it. */
let code = /(?:^|[#&])code=([^&]+)/.exec(location.hash)?.[1];

async function begin() {
  /** @type {any} */
  let refusal;
  try {
    if (code) {
      // Nobody must find it in the history, where the router would write it again.
      router.navigate(location.pathname + location.search, { replace: true });
      await signIn({ code: unescaped(code) }).catch((error) => {
        if (error.isTransient) throw error;
        refusal = error;
      });
      code = undefined;
    }
    if (!(await load())) return void (await askToSignIn(refusal));
    obstacle.value = null;
    stream.start();
  } catch (error) {
    late(error);
  }
}

/** @param {string} text */
function unescaped(text) {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

settings.start();
clock.start();
keys.start();
router.start();
onSignedOut.value = () => {
  if (me.peek() === null) return;
  me.value = null;
  wasSignedIn.value = false;
  stream.stop();
  askToSignIn();
};
effect(() => {
  // Another tab has signed in. Where it was this one, the document is on its way anew, with nothing of who was here.
  if (wasSignedIn.value && obstacle.peek() === "signed-out" && me.peek() === null) begin();
});
effect(() => {
  if (settings.isNotifying.value && obstacle.value === null) import("./data/notify.js").then((notify) => notify.start());
});

render(root, () => html`
  ${() => {
    if (obstacle.value === "loading") return html`<div class="splash" role="status"><span class="sr">Loading</span></div>`;
    if (obstacle.value === "signed-out") return signInBody.value();
    if (obstacle.value) return html`<main class="splash">${errorPanel(obstacle.value)}</main>`;
    return shell(pageOf);
  }}
  ${toasts()}`);
begin();
// The page itself is on its way while the node says who is signed in; a failure is told where it is shown.
pageOf.found.peek()?.page.load().catch(() => {});

// How many wait for a person stands in the title, so that a tab in the background says it.
import("./data/waiting.js").then(({ waiting }) => {
  effect(() => {
    const count = waiting.value;
    const title = pageOf.title.value;
    document.title = `${count ? `(${count}) ` : ""}${title ? `${title} · ` : ""}Ops Control Room`;
  });
});
