// The page's beginning: who is signed in, the frame around the pages, and which page the address means.
// @ts-check
import * as clock from "./core/clock.js";
import { html, render } from "./core/html.js";
import * as keys from "./core/keys.js";
import * as router from "./core/router.js";
import * as settings from "./core/settings.js";
import { effect, signal } from "./core/signal.js";
import { onSignedOut } from "./data/api.js";
import { load, me, signIn } from "./data/me.js";
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

async function askToSignIn() {
  // A key that was pressed for the browser is not ours later.
  /** @type {any} */ (globalThis).opsroomKeys?.();
  signInBody.value ??= (await import("./parts/sign-in.js")).signInPage;
  obstacle.value = "signed-out";
}

async function begin() {
  obstacle.value = "loading";
  try {
    const code = /(?:^|[#&])code=([^&]+)/.exec(location.hash)?.[1];
    if (code) {
      history.replaceState(null, "", location.pathname + location.search);
      await signIn({ code: decodeURIComponent(code) }).catch(() => {});
    }
    if (!(await load())) return void (await askToSignIn());
    obstacle.value = null;
    stream.start();
    if (settings.isNotifying.peek()) import("./data/notify.js").then((notify) => notify.start());
  } catch (error) {
    obstacle.value = error;
    setTimeout(begin, 3000);
  }
}

settings.start();
clock.start();
keys.start();
router.start();
onSignedOut.value = () => {
  if (me.peek() === null) return;
  me.value = null;
  stream.stop();
  askToSignIn();
};

render(root, () => html`
  ${() => {
    if (obstacle.value === "loading") return html`<div class="splash" role="status"><span class="sr">Loading</span></div>`;
    if (obstacle.value === "signed-out") return signInBody.value(() => location.reload());
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
    document.title = `${count > 0 ? `(${count}) ` : ""}${title ? `${title} · ` : ""}Ops Control Room`;
  });
});
