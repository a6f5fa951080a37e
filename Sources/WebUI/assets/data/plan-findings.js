// What a refusal tells of the files that were sent, in the form of the compiler's findings. Pure.
// @ts-check

/** @typedef {{severity: string, file: string, line: number, column: number, message: string, hint?: string}} Finding */

/**
 * The findings of a problem. A field that is none of the files, as `steps.deploy`, is said before the message.
 * @param {any} problem
 * @param {{files: Record<string, string>, main: string}} sent
 * @returns {Finding[]}
 */
export const findingsOf = (problem, { files, main }) => problem.errors.map((/** @type {any} */ error) => {
  const isFile = Object.hasOwn(files, error.field ?? "");
  return {
    severity: "error", file: isFile ? error.field : main, line: error.line ?? 1, column: error.column ?? 1,
    message: isFile || !error.field ? error.message : `${error.field}: ${error.message}`, hint: error.hint,
  };
});
