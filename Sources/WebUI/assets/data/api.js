// Requests to the node: JSON in, JSON out, problems as errors that say what to do.
// @ts-check
import { signal } from "../core/signal.js";

/** A request that was refused, or got no answer. */
export class ApiError extends Error {
  /** @param {number} status @param {any} problem */
  constructor(status, problem) {
    super(problem.detail || problem.title || `the node answered ${status}`);
    this.status = status;
    /** The problem's stable name, as `not_found`. */
    this.code = String(problem.code ?? String(problem.type ?? "").split("/").pop() ?? "");
    /** What to do next; may be empty. */
    this.next = String(problem.next ?? "");
    this.problem = problem;
  }

  /** Whether trying again may help. */
  get isTransient() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** The token that changes need; who is signed in sets it. */
export const csrf = signal("");
/**
 * Called when the node says that nobody is signed in.
 * @type {import("../core/signal.js").Signal<(() => void) | null>}
 */
export const onSignedOut = signal(/** @type {(() => void) | null} */ (null));
/** How long an answer is waited for. */
const requestMilliseconds = 30_000;
/**
 * Answers that may be used again when the node says they still hold.
 * @type {Map<string, {tag: string, document: any}>}
 */
const remembered = new Map();
const rememberedMax = 64;

/**
 * Sends a request.
 * @param {string} method @param {string} path With the query.
 * @param {{body?: unknown, headers?: Record<string, string>, signal?: AbortSignal, type?: string, asText?: boolean}}
 *   options `body` is sent as JSON unless `type` names another kind.
 * @returns {Promise<any>} The answer's document, its text with `asText`; `null` where it has none.
 * @throws {ApiError}
 */
export async function request(method, path, { body, headers = {}, signal: abort, type, asText } = {}) {
  /** @type {Record<string, string>} */
  const fields = { accept: asText ? "*/*" : "application/json", ...headers };
  const known = method === "GET" ? remembered.get(path) : undefined;
  if (known && !asText) fields["if-none-match"] = known.tag;
  if (method !== "GET") {
    if (csrf.peek()) fields["x-csrf-token"] = csrf.peek();
    if (body !== undefined) fields["content-type"] = type ?? "application/json";
  }
  const deadline = /** @type {any} */ (AbortSignal).timeout(requestMilliseconds);
  let response;
  try {
    response = await (early(method, path) ?? fetch(path, {
      method,
      headers: fields,
      body: body === undefined ? undefined : type ? /** @type {any} */ (body) : JSON.stringify(body),
      signal: abort ? anyOf(abort, deadline) : deadline,
      credentials: "same-origin",
      // The tags are ours; the browser's own store would answer behind them.
      cache: "no-store",
    }));
  } catch (error) {
    if (abort?.aborted) throw error;
    const detail = deadline.aborted
      ? `the node did not answer within ${requestMilliseconds / 1000} s` : "the node cannot be reached";
    throw new ApiError(0, { detail, next: "it is tried again by itself; `opsroom doctor` says more", code: "unreachable" });
  }
  if (response.status === 304 && known) return known.document;
  if (!response.ok) {
    const problem = await response.json().catch(() => ({}));
    if (response.status === 401) onSignedOut.peek()?.();
    throw new ApiError(response.status, problem);
  }
  if (response.status === 204) return null;
  if (asText) return response.text();
  const document = await response.json().catch(() => null);
  const tag = response.headers.get("etag");
  if (method === "GET" && tag) remember(path, tag, document);
  return document;
}

/** Answers that were asked for before the modules came are as good as new for so long. */
const earlyMilliseconds = 5000;

/**
 * The answer that early.js has asked for, once.
 * @param {string} method
 * @param {string} path
 * @returns {Promise<Response> | undefined}
 */
function early(method, path) {
  const asked = method === "GET" ? /** @type {any} */ (globalThis).opsroomEarly?.get(path) : undefined;
  if (!asked) return undefined;
  /** @type {any} */ (globalThis).opsroomEarly.delete(path);
  return performance.now() - asked.at < earlyMilliseconds ? asked.answer : undefined;
}

/** @param {string} path @param {string} tag @param {any} document */
function remember(path, tag, document) {
  remembered.delete(path);
  remembered.set(path, { tag, document });
  if (remembered.size > rememberedMax) remembered.delete(/** @type {string} */ (remembered.keys().next().value));
}

/**
 * Either of two.
 * @param {AbortSignal} first
 * @param {AbortSignal} second
 */
function anyOf(first, second) {
  const both = new AbortController();
  for (const one of [first, second]) {
    if (one.aborted) both.abort(one.reason);
    one.addEventListener("abort", () => both.abort(one.reason), { once: true });
  }
  return both.signal;
}

/** @param {string} path @param {any} [options] */
export const get = (path, options) => request("GET", path, options);
/**
 * Makes or does something once: sent again by a nervous finger it is the same request.
 * @param {string} path @param {unknown} [body] @param {any} [options]
 */
export const post = (path, body = {}, options = {}) =>
  request("POST", path, { body, ...options, headers: { ...options.headers } });
/**
 * As {@link post} for what is made once; the key is the request's.
 * @param {string} path
 * @param {unknown} body
 */
export const make = (path, body) => post(path, body, { headers: { "idempotency-key": crypto.randomUUID() } });
/** @param {string} path @param {unknown} body @param {any} [options] */
export const patch = (path, body, options) => request("PATCH", path, { body, ...options });
/** @param {string} path @param {unknown} body @param {any} [options] */
export const put = (path, body, options) => request("PUT", path, { body, ...options });
/** @param {string} path @param {any} [options] */
export const remove = (path, options) => request("DELETE", path, options);

/**
 * A path with a query; members that are empty are left out.
 * @param {string} path @param {Record<string, unknown>} [query]
 */
export function url(path, query = {}) {
  const members = new URLSearchParams();
  for (const [name, value] of Object.entries(query)) {
    if (value !== undefined && value !== null && value !== "" && value !== false) members.set(name, String(value));
  }
  const text = members.toString();
  return text ? `${path}?${text}` : path;
}

/**
 * A path's part.
 * @param {unknown} text
 */
export const part = (text) => encodeURIComponent(String(text));
