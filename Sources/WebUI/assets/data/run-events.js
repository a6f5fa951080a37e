// Which events mean that a run is in another state than before. Pure.
// @ts-check

/** What is told often and changes no state. */
const busy = new Set(["run.progress", "run.scratch"]);

/**
 * Whether a run's state may be another one. A run that is only queued is told by no event.
 * @param {{type: string}} event
 */
export const isTurn = (event) => event.type.startsWith("run.") && !busy.has(event.type);
