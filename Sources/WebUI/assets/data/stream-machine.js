// Decides what a stream of events means: where it is, whether something is missing, how it stands. Pure.
// @ts-check

/**
 * How the stream stands.
 * @typedef {"connecting" | "live" | "reconnecting" | "stale" | "polling" | "off"} StreamStatus
 * @typedef {{status: StreamStatus, cursor: string | null, tries: number, heardAt: number, since: number}} StreamState
 * @typedef {{type: "opened", at: number} | {type: "heard", at: number} | {type: "id", id: string}
 *   | {type: "closed", at: number} | {type: "tick", at: number} | {type: "off", at: number}
 *   | {type: "on", at: number} | {type: "polling", at: number}} StreamInput
 */

/** Silence after which the stream is called stale: the node says something every 15 s at the latest. */
export const staleMilliseconds = 20_000;
/** Silence after which a new connection is made. */
export const deadMilliseconds = 45_000;
/** Waits between tries, at most. */
const waitMillisecondsMax = 10_000;

/**
 * The beginning.
 * @param {number} at
 * @returns {StreamState}
 */
export const begin = (at) => ({ status: "connecting", cursor: null, tries: 0, heardAt: at, since: at });

/**
 * The state after something happened.
 * @param {StreamState} state @param {StreamInput} input
 * @returns {StreamState}
 */
export function next(state, input) {
  switch (input.type) {
    case "opened": return { ...state, status: "live", tries: 0, heardAt: input.at, since: input.at };
    // More lanes than one stream follows, and none of them is looked at: what is shown is asked for now and then.
    case "polling": return state.status === "polling" ? { ...state, heardAt: input.at }
      : { ...state, status: "polling", cursor: null, tries: 0, heardAt: input.at, since: input.at };
    case "on": return state.status === "off" ? begin(input.at) : state;
    case "heard": return state.status === "live" && state.heardAt === input.at ? state
      : { ...state, status: "live", heardAt: input.at };
    case "id": return { ...state, cursor: input.id };
    case "closed":
      return {
        ...state, tries: state.tries + 1,
        status: state.cursor === null && state.tries === 0 && state.status === "connecting" ? "connecting" : "reconnecting",
        since: state.status === "reconnecting" ? state.since : input.at,
      };
    case "tick":
      return state.status === "live" && input.at - state.heardAt >= staleMilliseconds
        ? { ...state, status: "stale", since: state.heardAt } : state;
    case "off": return { ...state, status: "off", since: input.at };
  }
}

/**
 * How long to wait before try number `tries`, with a share of chance from 0 to 1.
 * @param {number} tries
 * @param {number} chance
 */
export function wait(tries, chance) {
  const base = Math.min(waitMillisecondsMax, 250 * 2 ** Math.min(tries, 10));
  return base / 2 + (base / 2) * chance;
}

/**
 * Takes the frames out of pieces of server-sent events as they come.
 * @returns {{push(text: string): {event: string, data: string, id: string | null}[]}}
 */
export function parser() {
  let rest = "";
  return {
    push(text) {
      rest += text;
      const frames = [];
      for (let end = rest.indexOf("\n\n"); end >= 0; end = rest.indexOf("\n\n")) {
        const frame = { event: "message", data: "", id: /** @type {string | null} */ (null) };
        for (const line of rest.slice(0, end).split("\n")) {
          if (line.startsWith("data: ")) frame.data += (frame.data ? "\n" : "") + line.slice(6);
          else if (line.startsWith("event: ")) frame.event = line.slice(7);
          else if (line.startsWith("id: ")) frame.id = line.slice(4);
        }
        rest = rest.slice(end + 2);
        if (frame.data || frame.id) frames.push(frame);
      }
      return frames;
    },
  };
}
