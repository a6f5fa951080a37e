// What of a log is wanted: filters and search, kept in the address, or in the view itself where it is a dock.
// @ts-check
import { query, setQuery } from "../../core/router.js";
import { kept } from "../../core/settings.js";
import { signal, computed } from "../../core/signal.js";

/**
 * @typedef {ReturnType<typeof logState>} LogState
 * @typedef {{text: string, isExpression: boolean, ignoresCase: boolean}} Search
 */

/** The levels a line can have, as the node names them. */
export const levels = ["error", "warning", "info", "debug", "none"];
const streams = ["stdout", "stderr"];

/** Whether times are shown, whether lines are wrapped; one choice for all logs. */
export const hasTimes = kept("log.times", false);
export const isWrapped = kept("log.wrap", false);

/**
 * @param {{isDock: boolean, step?: () => string | null, onStep?: (step: string | null) => void}} options
 */
export function logState({ isDock, step: outerStep, onStep }) {
  const own = signal(/** @type {Record<string, string | null>} */ ({}));
  const read = (/** @type {string} */ name) => (isDock ? own.value[name] : query.value.get(name)) ?? null;
  /** @param {Record<string, string | null>} changes */
  const write = (changes) => {
    if (isDock) own.value = { ...own.peek(), ...changes };
    else setQuery(changes);
  };
  const step = computed(() => (outerStep ? outerStep() : read("step")));
  const attempt = computed(() => (/^[1-9]\d{0,8}$/.test(read("attempt") ?? "") ? Number(read("attempt")) : null));
  const chosenLevels = computed(() => (read("level") ?? "").split(",").filter((level) =>
    levels.includes(level)).join(","));
  const stream = computed(() => (streams.includes(read("stream") ?? "") ? read("stream") : null));
  return {
    isDock, step, attempt, stream,
    levels: computed(() => chosenLevels.value.split(",").filter(Boolean)),
    /** What is asked of the node; the same text means the same lines. */
    filter: computed(() => {
      const source = [step.value, stream.value].filter(Boolean).join(",");
      const members = { attempt: attempt.value === null ? "" : String(attempt.value), level: chosenLevels.value,
        source };
      return Object.values(members).some(Boolean) ? JSON.stringify(members) : "";
    }),
    /** What is searched for, as text that can be compared; empty for nothing. */
    search: computed(() => {
      const text = read("q") ?? "";
      /** @type {Search} */
      const search = { text, isExpression: read("regex") === "1", ignoresCase: read("case") !== "1" };
      return text ? JSON.stringify(search) : "";
    }),
    text: computed(() => read("q") ?? ""),
    isExpression: computed(() => read("regex") === "1"),
    isCaseKept: computed(() => read("case") === "1"),
    /** Whether only what was found is shown, with so many lines around. */
    isOnly: computed(() => read("only") !== null && Boolean(read("q"))),
    around: computed(() => Math.min(10, Math.max(0, Number(read("only") ?? 0) || 0))),
    write,
    /** @param {string | null} next */
    chooseStep(next) {
      if (onStep) onStep(next);
      else write({ step: next, attempt: null });
    },
    clearFilter() {
      write({ level: null, stream: null, attempt: null, ...(onStep ? {} : { step: null }) });
      if (onStep && step.peek() !== null) onStep(null);
    },
  };
}
