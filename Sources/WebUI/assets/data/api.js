// Requests to the node: JSON in, JSON out, problems as errors that say what to do.
// @ts-check
import { hear } from "../core/clock.js";
import { signal } from "../core/signal.js";

/** A request that was refused, or got no answer. */
export class ApiError extends Error {
  /** @param {number} status @param {any} problem @param {number} [retryAfter] */
  constructor(status, problem, retryAfter = 0) {
    super(problem.detail || problem.title || `the node answered ${status}`);
    this.status = status;
    /** The problem's stable name, as `not_found`. */
    this.code = String(problem.code ?? String(problem.type ?? "").split("/").pop() ?? "");
    /** What to do next; may be empty. */
    this.next = String(problem.next ?? "");
    this.problem = problem;
    /** Seconds that the node asks to wait before it is asked again; 0 where it does not. */
    this.retryAfter = retryAfter;
  }

  /** Whether trying again may help. */
  get isTransient() {
    return this.status === 0 || this.status === 429 || this.status >= 500;
  }
}

/** The token that changes need; who is signed in sets it. */
export const csrf = signal("");
/** Whose token it is; who is signed in sets it. */
export const person = signal("");
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

/** Asks anew who is signed in, as somebody has elsewhere in this browser; answers whether anybody is. */
export const onOtherSession = signal(/** @type {(() => Promise<boolean>) | null} */ (null));

/**
 * @typedef {{body?: unknown, headers?: Record<string, string>, signal?: AbortSignal, type?: string, asText?: boolean}}
 *   Options
 */

/**
 * Sends a request.
 * @param {string} method @param {string} path With the query.
 * @param {Options} options `body` is sent as JSON unless `type` names another kind.
 * @returns {Promise<any>} The answer's document, its text with `asText`; `null` where it has none.
 * @throws {ApiError}
 */
export async function request(method, path, options = {}) {
  const whose = person.peek();
  try {
    return await send(method, path, options);
  } catch (error) {
    const renew = onOtherSession.peek();
    if (!(error instanceof ApiError) || error.status !== 403 || error.code !== "csrf" || !renew) throw error;
    // Another tab has signed in: with its token the same is sent once more, but not in another person's name.
    const isSomebody = await renew().catch(() => false);
    if (!isSomebody || person.peek() !== whose) throw error;
    return send(method, path, options);
  }
}

/** @param {string} method @param {string} path @param {Options} options */
async function send(method, path, { body, headers = {}, signal: abort, type, asText }) {
  /** @type {Record<string, string>} */
  const fields = { accept: asText ? "*/*" : "application/json", ...headers };
  const known = method === "GET" ? remembered.get(path) : undefined;
  if (known && !asText) fields["if-none-match"] = known.tag;
  if (method !== "GET") {
    if (csrf.peek()) fields["x-csrf-token"] = csrf.peek();
    if (body !== undefined) fields["content-type"] = type ?? "application/json";
  }
  const sent = body === undefined ? undefined : type ? /** @type {any} */ (body) : JSON.stringify(body);
  const over = new AbortController();
  let isLate = false;
  const timer = setTimeout(() => {
    isLate = true;
    over.abort();
  }, requestMilliseconds);
  const stop = () => over.abort(abort?.reason);
  if (abort?.aborted) stop();
  abort?.addEventListener("abort", stop);
  /**
   * Only what fails on its way is the node's being away; what fails here is told as what it is.
   * @template T @param {Promise<T>} coming
   */
  const reached = (coming) => coming.catch((error) => {
    throw abort?.aborted ? error : unreachable(method, isLate);
  });
  const sentAt = Date.now();
  try {
    const ahead = early(method, path, over.signal);
    const response = await reached(ahead ?? fetch(path, {
      method,
      headers: fields,
      body: sent,
      signal: over.signal,
      credentials: "same-origin",
      // The tags are ours; the browser's own store would answer behind them.
      cache: "no-store",
    }));
    // When early.js asked is not known.
    if (!ahead) hear(response.headers.get("date"), sentAt);
    if (response.status === 304 && known) return known.document;
    if (!response.ok) {
      const problem = await response.json().catch(() => ({}));
      if (response.status === 401) onSignedOut.peek()?.();
      throw new ApiError(response.status, problem, Number(response.headers.get("retry-after")) || 0);
    }
    if (response.status === 204) return null;
    const text = await reached(response.text());
    if (asText) return text;
    const document = text === "" ? null : read(text, response.status);
    const tag = response.headers.get("etag");
    if (method === "GET" && tag) remember(path, tag, document);
    return document;
  } finally {
    // Nothing of it stays: whoever asked may be long gone.
    clearTimeout(timer);
    abort?.removeEventListener("abort", stop);
  }
}

/**
 * An answer's document. What is none came from something between the node and the page, as a proxy's own page.
 * @param {string} text @param {number} status
 */
function read(text, status) {
  try {
    return JSON.parse(text);
  } catch {
    throw new ApiError(status, { detail: "the answer is no JSON", code: "malformed" });
  }
}

/** @param {string} method @param {boolean} isLate */
function unreachable(method, isLate) {
  const detail = isLate ? `the node did not answer within ${requestMilliseconds / 1000} s` : "the node cannot be reached";
  const next = method === "GET" ? "it is tried again by itself; `opsroom doctor` says more"
    : "it may have been done or not: look before you send it again";
  return new ApiError(0, { detail, next, code: "unreachable" });
}

/** Answers that were asked for before the modules came are as good as new for so long. */
const earlyMilliseconds = 5000;

/**
 * The answer that early.js has asked for, once.
 * @param {string} method
 * @param {string} path
 * @param {AbortSignal} over Ends the waiting for it, as it would end a request.
 * @returns {Promise<Response> | undefined}
 */
function early(method, path, over) {
  const asked = method === "GET" ? /** @type {any} */ (globalThis).opsroomEarly?.get(path) : undefined;
  if (!asked) return undefined;
  /** @type {any} */ (globalThis).opsroomEarly.delete(path);
  if (performance.now() - asked.at >= earlyMilliseconds) return undefined;
  return new Promise((resolve, reject) => {
    over.addEventListener("abort", () => reject(over.reason), { once: true });
    asked.answer.then(resolve, reject);
  });
}

/** @param {string} path @param {string} tag @param {any} document */
function remember(path, tag, document) {
  remembered.delete(path);
  remembered.set(path, { tag, document });
  if (remembered.size > rememberedMax) remembered.delete(/** @type {string} */ (remembered.keys().next().value));
}

/** @param {string} path @param {any} [options] */
export const get = (path, options) => request("GET", path, options);
/**
 * Does something, as often as it is sent; what is made once is {@link make}'s.
 * @param {string} path @param {unknown} [body] @param {any} [options]
 */
export const post = (path, body = {}, options = {}) => request("POST", path, { body, ...options });
/**
 * Keys of what was sent and got no answer, and when that was: sent once more, it is the same.
 * @type {Map<string, {key: string, at: number}>}
 */
const unanswered = new Map();
const unansweredMax = 32;
/** For so long the same is the same order; later it is meant as another one, which the node would not carry out. */
const unansweredMilliseconds = 120_000;

/**
 * As {@link post} for what is made once: when no answer came, the same sent again makes nothing twice.
 * @param {string} path
 * @param {unknown} body
 * @param {string} [own] The key, where the caller knows better what is the same; it is not remembered here.
 */
export async function make(path, body, own) {
  const name = `${path} ${JSON.stringify(body)}`;
  const known = own === undefined ? unanswered.get(name) : undefined;
  const key = own ?? (known && Date.now() - known.at < unansweredMilliseconds ? known.key : uuid());
  if (known) unanswered.delete(name);
  try {
    return await post(path, body, { headers: { "idempotency-key": key } });
  } catch (error) {
    if (own === undefined && error instanceof ApiError && error.isTransient) unanswered.set(name, { key, at: Date.now() });
    if (unanswered.size > unansweredMax) unanswered.delete(/** @type {string} */ (unanswered.keys().next().value));
    throw error;
  }
}

/** A random name; over plain HTTP from another machine a browser has no function for it. */
export function uuid() {
  if (crypto.randomUUID) return crypto.randomUUID();
  const hex = [...crypto.getRandomValues(new Uint8Array(16))].map((byte) => byte.toString(16).padStart(2, "0"));
  return hex.join("").replace(/^(.{8})(.{4}).(.{3}).(.{3})(.*)$/, "$1-$2-4$3-8$4$5");
}

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
