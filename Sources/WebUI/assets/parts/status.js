// How states look everywhere: a sign, a word and a colour, each enough alone.
// @ts-check
import { html } from "../core/html.js";

/** @type {Record<string, {sign: string, word: string, tone: string}>} */
export const states = {
  queued: { sign: "○", word: "Queued", tone: "queued" },
  claimed: { sign: "◌", word: "Claimed", tone: "running" },
  running: { sign: "◌", word: "Running", tone: "running" },
  waiting: { sign: "!", word: "Waiting", tone: "waiting" },
  retrying: { sign: "↻", word: "Retrying", tone: "retrying" },
  succeeded: { sign: "✓", word: "Succeeded", tone: "succeeded" },
  failed: { sign: "✕", word: "Failed", tone: "failed" },
  cancelled: { sign: "–", word: "Cancelled", tone: "cancelled" },
  timed_out: { sign: "⇥", word: "Timed out", tone: "failed" },
  paused: { sign: "‖", word: "Paused", tone: "blocked" },
  skipped: { sign: "→", word: "Skipped", tone: "cancelled" },
  by_hand: { sign: "◆", word: "Done by hand", tone: "blocked" },
  unknown: { sign: "?", word: "Unknown", tone: "waiting" },
  started: { sign: "◌", word: "Running", tone: "running" },
  pending: { sign: "○", word: "Pending", tone: "queued" },
  active: { sign: "●", word: "Active", tone: "running" },
  completed: { sign: "✓", word: "Completed", tone: "succeeded" },
  archived: { sign: "□", word: "Archived", tone: "cancelled" },
};

/** @param {string} state */
export const stateOf = (state) => states[state] ?? { sign: "·", word: state, tone: "queued" };

/**
 * A state as sign and word.
 * @param {() => string} state
 * @param {() => string} [word] Another word than the state's.
 */
export function chip(state, word) {
  return html`<span class=${() => `chip tone-${stateOf(state()).tone}`}><span class="sign" aria-hidden="true">${
    () => stateOf(state()).sign}</span>${() => word?.() || stateOf(state()).word}</span>`;
}

/**
 * A state as its sign alone; the word is its title.
 * @param {() => string} state
 */
export function sign(state) {
  return html`<span class=${() => `sign tone-${stateOf(state()).tone}`} role="img"
    aria-label=${() => stateOf(state()).word} title=${() => stateOf(state()).word}>${() => stateOf(state()).sign}</span>`;
}
