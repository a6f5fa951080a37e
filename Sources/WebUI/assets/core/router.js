// Which page the address means, and how it changes without loading the document again.
// @ts-check
import { computed, signal } from "./signal.js";

/**
 * A page's place in the address: `load` gives the module whose default export draws it.
 * @typedef {{pattern: string, name: string, load: () => Promise<{default: (context: PageContext) => any}>}} PageRoute
 * @typedef {{params: Record<string, string>}} PageContext
 */

const address = signal(typeof location === "undefined" ? "/ui" : location.pathname + location.search + location.hash);

/** The path, without the query; follows navigation. */
export const path = computed(() => new URL(address.value, "http://page").pathname);
/** The query; follows navigation. */
export const query = computed(() => new URL(address.value, "http://page").searchParams);
/** What stands behind `#`, without it; follows navigation. */
export const fragment = computed(() => {
  const text = new URL(address.value, "http://page").hash.slice(1);
  try {
    return decodeURIComponent(text);
  } catch {
    // A percent sign that somebody typed.
    return text;
  }
});

/**
 * Goes to an address of the page.
 * @param {string} to Path, query and fragment.
 * @param {{replace?: boolean}} options `replace` leaves no entry in the history.
 */
export function navigate(to, { replace = false } = {}) {
  if (to === address.peek()) return;
  if (replace) history.replaceState(null, "", to);
  else history.pushState(null, "", to);
  address.value = to;
  if (!replace) globalThis.scrollTo?.(0, 0);
}

/**
 * Changes members of the query; `null` and `""` take them out. A filter's change is no step of the history.
 * @param {Record<string, string | null>} changes
 * @param {{replace?: boolean}} options
 */
export function setQuery(changes, { replace = true } = {}) {
  const next = new URLSearchParams(query.peek());
  for (const [name, value] of Object.entries(changes)) {
    if (value === null || value === "") next.delete(name);
    else next.set(name, value);
  }
  const text = next.toString();
  const { pathname, hash } = new URL(address.peek(), "http://page");
  navigate(pathname + (text ? `?${text}` : "") + hash, { replace });
}

/**
 * The parameters of a path, or `null` where it is not the pattern's.
 * @param {string} pattern As `/ui/runs/:id`.
 * @param {string} path
 * @returns {Record<string, string> | null}
 */
export function match(pattern, path) {
  const parts = pattern.split("/");
  const given = path.replace(/\/+$/, "").split("/");
  if (parts.length !== given.length) return null;
  /** @type {Record<string, string>} */
  const params = {};
  for (let index = 0; index < parts.length; index += 1) {
    if (!parts[index].startsWith(":")) {
      if (parts[index] !== given[index]) return null;
      continue;
    }
    try {
      params[parts[index].slice(1)] = decodeURIComponent(given[index]);
    } catch {
      return null;
    }
  }
  return params;
}

/** Follows the browser's buttons and the links of the page. */
export function start() {
  addEventListener("popstate", () => {
    address.value = location.pathname + location.search + location.hash;
  });
  addEventListener("hashchange", () => {
    address.value = location.pathname + location.search + location.hash;
  });
  document.addEventListener("click", (event) => {
    const link = /** @type {Element} */ (event.target).closest?.("a[href]");
    if (!(link instanceof HTMLAnchorElement) || event.defaultPrevented || event.button !== 0) return;
    if (event.metaKey || event.ctrlKey || event.shiftKey || event.altKey) return;
    if (link.target || link.hasAttribute("download") || link.origin !== location.origin) return;
    if (!link.pathname.startsWith("/ui")) return;
    event.preventDefault();
    navigate(link.pathname + link.search + link.hash);
  });
}
