// One stream of events per browser: a tab that holds the lock reads it, the others hear it from that tab.
// @ts-check
import { isVisible } from "../core/clock.js";
import { computed, effect, onEnd, signal } from "../core/signal.js";
import { ApiError, get, onOtherSession, onSignedOut, part, uuid } from "./api.js";
import { collect } from "./collect.js";
import { begin, deadMilliseconds, next, parser, wait } from "./stream-machine.js";

/**
 * What happened in a run: as in the lane's log, with the number of its lane.
 * @typedef {{type: string, run: string, lane?: number, seq?: number, at: string, step?: string, attempt?: number,
 *   data?: any}} RunEvent
 * @typedef {(event: RunEvent) => void} Hearer
 */

/** How the stream stands, in every tab. */
export const state = signal(/** @type {import("./stream-machine.js").StreamState} */ (begin(Date.now())));
/** Rises when events may have been missed: whatever shows something fetches it anew. */
export const gaps = signal(0);

/** @type {Set<Hearer>} */
const hearers = new Set();
/**
 * Runs whose output is followed here.
 * @type {Map<string, number>}
 */
const watched = new Map();
/**
 * Sessions that are looked at here: where there are too many lanes for one stream, only theirs are followed.
 * @type {Map<string, number>}
 */
const sessions = new Map();
/**
 * The same of all tabs, where this tab leads.
 * @type {Map<string, {runs: string[], sessions: string[], at: number}>}
 */
const wishes = new Map();
const tab = uuid();
const channel = new BroadcastChannel("opsroom");
let isLeader = false;
/** @type {AbortController | null} */
let connection = null;
let connectedAt = 0;
let isStarted = false;
/** Whether this tab leads, or will when the one that does is gone. */
let isQueued = false;
/** How long the wishes of a tab hold that says nothing more. */
const wishMilliseconds = 90_000;
/** How often a tab repeats its wishes. */
const wishInterval = 30_000;

/** Whether this tab reads the stream for the others. */
export const leads = signal(false);

/**
 * Calls `hearer` for every event until the present owner ends.
 * @param {Hearer} hearer
 */
export function listen(hearer) {
  hearers.add(hearer);
  onEnd(() => hearers.delete(hearer));
}

/**
 * Has the output of a run come with the stream too, until the present owner ends.
 * @param {string} run Its whole id.
 */
export const watch = (run) => wish(watched, run);

/**
 * Says that a session is looked at, until the present owner ends.
 * @param {string} session Its name or number.
 */
export const interest = (session) => wish(sessions, session);

/**
 * @param {Map<string, number>} counts
 * @param {string} name
 */
function wish(counts, name) {
  counts.set(name, (counts.get(name) ?? 0) + 1);
  tellWishes();
  onEnd(() => {
    const left = (counts.get(name) ?? 1) - 1;
    if (left === 0) counts.delete(name);
    else counts.set(name, left);
    tellWishes();
  });
}

/** Begins to follow; called whenever somebody has signed in. */
export function start() {
  move({ type: "on", at: Date.now() });
  if (!isStarted) attend();
  channel.postMessage({ kind: "hello", tab });
  if (isQueued) return;
  isQueued = true;
  if (!navigator.locks) return void lead(); // Over plain HTTP from another machine there are none.
  navigator.locks.request("opsroom-stream", lead);
}

/** What every tab does, whoever leads. */
function attend() {
  isStarted = true;
  channel.onmessage = (message) => hearOther(message.data);
  setInterval(() => {
    const now = Date.now();
    move({ type: "tick", at: now });
    const { status, heardAt, since } = state.peek();
    if (isLeader && connection && now - Math.max(heardAt, connectedAt) > deadMilliseconds) connection.abort();
    // A browser has a hidden tab's timers wait; its messages come at once.
    if (!isLeader && isVisible.peek() && status === "reconnecting" && now - since > 2000) {
      channel.postMessage({ kind: "nudge" });
    }
  }, 1000);
  setInterval(tellWishes, wishInterval);
  // Lanes that a narrow stream does not follow are asked for.
  setInterval(() => { if (isLeader && isNarrow && state.peek().status !== "off") tellGap(); }, pollMilliseconds);
  effect(() => {
    // A tab that was asleep does not know what it slept through.
    if (isVisible.value && Date.now() - state.peek().heardAt > deadMilliseconds) {
      gaps.value = gaps.peek() + 1;
      if (isLeader && Date.now() - connectedAt > deadMilliseconds) connection?.abort();
    }
  });
}

/** Ends the stream of this browser: nobody is signed in any more. */
export function stop() {
  move({ type: "off", at: Date.now() });
  connection?.abort();
  wake?.();
}

/** Reads until the tab is closed or nobody is signed in; then another tab may. */
async function lead() {
  isLeader = true;
  leads.value = true;
  channel.postMessage({ kind: "who" });
  while (state.peek().status !== "off") {
    let isLost = true;
    let patience = 0;
    try {
      await readStream();
      isLost = state.peek().status !== "polling";
    } catch (error) {
      // Told by the state; the reason stands in the console of the network.
      if (error instanceof ApiError) patience = 1000 * error.retryAfter;
      if (error instanceof ApiError && error.status === 401) move({ type: "off", at: Date.now() });
    }
    connection = null;
    if (state.peek().status === "off") break;
    // What is opened anew for other lanes was not lost.
    if (isLost && !isRewatching) move({ type: "closed", at: Date.now() });
    if (!isRewatching) await pause(Math.max(patience, wait(state.peek().tries, Math.random())));
    isRewatching = false;
  }
  isLeader = false;
  leads.value = false;
  isQueued = false;
}

let isRewatching = false;
let watchText = "";
let sessionText = "";
/** Whether all lanes are too many for one stream: then those of the sessions that are looked at. */
let isNarrow = false;
/** How often the rest is asked for then. */
const pollMilliseconds = 5000;
/** Lanes that a stream is asked to follow, at most: the node follows 1,024. */
const lanesMax = 1000;

/**
 * The numbers of sessions' lanes, as many as a stream can follow.
 * @param {string[]} names
 * @param {AbortSignal} abort
 * @throws {ApiError} when the node cannot say.
 */
async function lanesOf(names, abort) {
  /** @type {number[]} */
  const lanes = [];
  for (const name of names) {
    try {
      const { lanes: found } = await collect("lanes", lanesMax)(`/v1/sessions/${part(name)}/lanes`, abort);
      lanes.push(...found.map((/** @type {any} */ lane) => lane.id));
    } catch (error) {
      // An archived session has none; of any other refusal nothing follows for the lanes.
      if (!(error instanceof ApiError) || error.status !== 404) throw error;
    }
    if (lanes.length >= lanesMax) break;
  }
  return lanes.slice(0, lanesMax);
}

async function readStream() {
  connection = new AbortController();
  connectedAt = Date.now();
  watchText = wished("runs").join(",");
  const names = wished("sessions");
  sessionText = names.join("\n");
  const lanes = isNarrow ? (await lanesOf(names, connection.signal)).join(",") : "";
  if (isNarrow && !lanes) {
    // Where nobody looks at a session nothing else here would notice that the node is away.
    if (names.length === 0) await get("/v1/browser-session", { signal: connection.signal });
    move({ type: "polling", at: Date.now() });
    return pause(pollMilliseconds);
  }
  const cursor = state.peek().cursor;
  const query = new URLSearchParams({ from: cursor ?? "now", watch: watchText, ...(lanes ? { lanes } : {}) });
  const response = await fetch(`/v1/events?${query}`, {
    headers: { accept: "text/event-stream" }, signal: connection.signal, cache: "no-store", credentials: "same-origin",
  });
  if (!response.ok || !response.body) return refused(response);
  move({ type: "opened", at: Date.now() });
  // The beginning has no cursor: what came before it is not known.
  if (cursor === null || cursor === "now") tellGap();
  const frames = parser();
  const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    move({ type: "heard", at: Date.now() });
    /** @type {RunEvent[]} */
    const events = [];
    let cursorNow = null;
    for (const frame of frames.push(value)) {
      if (frame.id) cursorNow = frame.id;
      if (!frame.data) continue;
      if (frame.event === "message") events.push(JSON.parse(frame.data));
      else if (frame.event === "hello" && !state.peek().cursor) cursorNow ??= JSON.parse(frame.data).from;
      else if (frame.event === "bookmark" || frame.event === "snapshot-end") cursorNow = JSON.parse(frame.data).cursor;
      else if (frame.event === "gap" || frame.event === "reset") tellGap();
      else if (frame.event === "bye") cursorNow = JSON.parse(frame.data).cursor;
    }
    if (cursorNow) move({ type: "id", id: cursorNow });
    if (events.length > 0) {
      channel.postMessage({ kind: "events", events, cursor: state.peek().cursor });
      give(events);
    }
  }
}

/** @param {Response} response */
async function refused(response) {
  const problem = await response.json().catch(() => ({}));
  if (response.status === 401) onSignedOut.peek()?.();
  else if (response.status === 400 && /would follow \d+ lanes/.test(problem.detail)) {
    isNarrow = true;
    isRewatching = true;
    move({ type: "id", id: "now" });
  } else if (response.status === 400 || response.status === 410) {
    // A cursor that is not known any more is of no use: everything is fetched anew.
    move({ type: "id", id: "now" });
    tellGap();
  }
  throw new ApiError(response.status, problem, Number(response.headers.get("retry-after")) || 0);
}

/** @param {RunEvent[]} events */
function give(events) {
  for (const event of events) {
    for (const hearer of hearers) {
      try {
        hearer(event);
      } catch (error) {
        reportError(error);
      }
    }
  }
}

function tellGap() {
  gaps.value = gaps.peek() + 1;
  channel.postMessage({ kind: "gap" });
}

/** @param {import("./stream-machine.js").StreamInput} input */
function move(input) {
  const before = state.peek();
  const after = next(before, input);
  if (after === before) return;
  state.value = after;
  if (isLeader && (after.status !== before.status || after.heardAt - told > 2000)) {
    told = after.heardAt;
    channel.postMessage({ kind: "state", state: after });
  }
}
let told = 0;

/** @param {any} message */
function hearOther(message) {
  // Where every tab leads, each has read the same itself.
  if (isLeader && ["events", "gap", "state"].includes(message.kind)) return;
  if (message.kind === "events") {
    // Whoever leads next goes on behind these.
    if (message.cursor) state.value = next(state.peek(), { type: "id", id: message.cursor });
    give(message.events);
  } else if (message.kind === "gap") gaps.value = gaps.peek() + 1;
  else if (message.kind === "state") hearState(message.state);
  else if (message.kind === "nudge" && isLeader && Date.now() >= dueAt) wake?.();
  else if (message.kind === "who") tellWishes();
  else if (message.kind === "hello" && isLeader) channel.postMessage({ kind: "state", state: state.peek() });
  else if (message.kind === "wishes" && isLeader) {
    wishes.set(message.tab, { runs: message.runs, sessions: message.sessions, at: Date.now() });
    rewatch();
  }
}

/** @param {import("./stream-machine.js").StreamState} told_ */
function hearState(told_) {
  if (state.peek().status === "off") return; // Who is signed out here hears nothing.
  // Who is signed in asks the node whether he still is, which signs him out if not.
  if (told_.status === "off") return void onOtherSession.peek()?.().catch(() => {});
  state.value = told_;
}

function tellWishes() {
  if (isLeader) rewatch();
  else channel.postMessage({ kind: "wishes", tab, runs: [...watched.keys()], sessions: [...sessions.keys()] });
}

/**
 * What some tab follows: runs for their output, or sessions.
 * @param {"runs" | "sessions"} kind
 */
function wished(kind) {
  const all = new Set((kind === "runs" ? watched : sessions).keys());
  for (const [other, one] of wishes) {
    if (Date.now() - one.at > wishMilliseconds) wishes.delete(other);
    else for (const name of one[kind] ?? []) all.add(name);
  }
  return [...all].sort().slice(0, 50);
}

/** Opens the stream anew where others are to be followed; it goes on at its cursor. */
function rewatch() {
  if (!connection) return;
  if (state.peek().status === "polling") {
    if (wished("sessions").length > 0) wake?.();
    return;
  }
  const present = new Set(watchText.split(","));
  const isSame = wished("runs").every((run) => present.has(run));
  if (isSame && (!isNarrow || wished("sessions").join("\n") === sessionText)) return;
  // With other lanes the cursor is another one's.
  if (isNarrow) move({ type: "id", id: "now" });
  isRewatching = true;
  connection.abort();
}

/**
 * Ends the present pause.
 * @type {(() => void) | null}
 */
let wake = null;
/** When the present pause is over by itself. */
let dueAt = 0;

/**
 * @param {number} milliseconds
 * @returns {Promise<void>}
 */
const pause = (milliseconds) => new Promise((resolve) => {
  dueAt = Date.now() + milliseconds;
  const timer = setTimeout(resolve, milliseconds);
  wake = () => {
    clearTimeout(timer);
    resolve();
  };
});

/** What the top bar says of the stream. */
export const statusWord = computed(() => {
  switch (state.value.status) {
    case "live": return "Live";
    case "connecting": return "Connecting";
    case "reconnecting": return "Reconnecting";
    case "stale": return "Stale";
    case "polling": return "Every 5 s";
    case "off": return "Off";
  }
});
