// Which function does what a line of the command bar says.
// @ts-check
import { pageVerbs } from "./page.js";
import { roomVerbs } from "./room.js";
import { runVerbs } from "./runs.js";

/** @type {import("./answers.js").Verbs} */
export const verbs = { ...runVerbs, ...roomVerbs, ...pageVerbs };

/**
 * Does what was said.
 * @param {import("./answers.js").Parsed} said
 * @returns {Promise<import("./answers.js").Answer>}
 */
export async function act(said) {
  return verbs[said.command.name](said);
}
