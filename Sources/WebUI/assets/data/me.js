// Who is signed in with this browser, and what that allows.
// @ts-check
import { kept } from "../core/settings.js";
import { computed, signal } from "../core/signal.js";
import { ApiError, csrf, get, onOtherSession, person, post, remove } from "./api.js";

/** @typedef {{name: string, scope: string, csrf_token: string, groups?: string[]}} Me */

/**
 * Who is signed in; `null` while nobody is.
 * @type {import("../core/signal.js").Signal<Me | null>}
 */
export const me = signal(/** @type {Me | null} */ (null));

/** Whether this browser is signed in, as far as its tabs know: early.js asks ahead then. */
export const wasSignedIn = kept("signed-in", false);

const scopes = ["read", "work", "run", "admin"];
/**
 * Whether the signed-in may do what needs a scope.
 * @param {string} scope
 */
export const may = (scope) => scopes.indexOf(me.value?.scope ?? "") >= scopes.indexOf(scope);
/** Whether the signed-in may change runs. */
export const mayRun = computed(() => may("run"));
/** Whether the signed-in may change the cluster and tokens. */
export const mayAdmin = computed(() => may("admin"));

/**
 * Asks the node who is signed in.
 * @returns {Promise<boolean>} Whether somebody is.
 * @throws {ApiError} when the node cannot say.
 */
export async function load() {
  try {
    take(await get("/v1/browser-session"));
    return true;
  } catch (error) {
    if (error instanceof ApiError && (error.status === 401 || error.status === 409)) {
      wasSignedIn.value = false;
      return false;
    }
    throw error;
  }
}

onOtherSession.value = load;

/**
 * Signs in with a token, or the code that `opsroom open` made.
 * @param {{token: string} | {code: string}} proof
 */
export async function signIn(proof) {
  take(await post("/v1/browser-session", proof));
}

/** Signs out; the cookie is of no use afterwards. */
export async function signOut() {
  await remove("/v1/browser-session");
  me.value = null;
  csrf.value = "";
  person.value = "";
  wasSignedIn.value = false;
}

/** @param {Me} document */
function take(document) {
  csrf.value = document.csrf_token;
  person.value = document.name;
  me.value = document;
  wasSignedIn.value = true;
}
