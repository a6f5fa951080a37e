// Fetches the beginning of something that may be large, as bytes.
// @ts-check
import { ApiError, onSignedOut } from "./api.js";

const requestMilliseconds = 60_000;

/**
 * The first bytes of what a path names.
 * @param {string} path
 * @param {number} max
 * @param {AbortSignal} abort
 * @returns {Promise<{bytes: Uint8Array, isCut: boolean}>}
 * @throws {ApiError}
 */
export async function firstBytes(path, max, abort) {
  const own = new AbortController();
  abort.addEventListener("abort", () => own.abort(), { once: true });
  const deadline = setTimeout(() => own.abort(), requestMilliseconds);
  try {
    const response = await fetch(path, {
      headers: { range: `bytes=0-${Math.max(0, max - 1)}` }, signal: own.signal, cache: "no-store",
        credentials: "same-origin",
    });
    // Of nothing there is no first byte.
    if (response.status === 416) return { bytes: new Uint8Array(), isCut: false };
    if (!response.ok) {
      if (response.status === 401) onSignedOut.peek()?.();
      throw new ApiError(response.status, await response.json().catch(() => ({})));
    }
    const whole = Number(/\/(\d+)$/.exec(response.headers.get("content-range") ?? "")?.[1] ?? NaN);
    const { bytes, isMore } = await read(response, max);
    return { bytes, isCut: isMore || whole > bytes.length };
  } catch (error) {
    if (abort.aborted || error instanceof ApiError) throw error;
    throw new ApiError(0, { detail: "the node cannot be reached", next: "try again, or download it",
      code: "unreachable" });
  } finally {
    clearTimeout(deadline);
  }
}

/** @param {Response} response @param {number} max */
async function read(response, max) {
  const reader = response.body?.getReader();
  /** @type {Uint8Array[]} */
  const pieces = [];
  let count = 0;
  let isMore = false;
  while (reader) {
    const { done, value } = await reader.read();
    if (done) break;
    pieces.push(value);
    count += value.length;
    if (count > max) {
      isMore = true;
      await reader.cancel();
      break;
    }
  }
  const bytes = new Uint8Array(Math.min(count, max));
  let place = 0;
  for (const piece of pieces) {
    const part = piece.subarray(0, bytes.length - place);
    bytes.set(part, place);
    place += part.length;
  }
  return { bytes, isMore };
}
