// Numbers that are too large for a browser's own: read, written and sent without a digit lost.
// @ts-check
import { get } from "./api.js";

/** Stands for a large number while a text is parsed or written; no text of anybody begins with it. */
const mark = `integer:${Math.random()}:`;
const tokens = /"(?:[^"\\]|\\.)*"|-?\d+(?:\.\d+)?(?:[eE][+-]?\d+)?/g;
const marked = new RegExp(`"${mark.replace(".", "\\.")}(-?\\d+)"`, "g");

/** @param {string} token */
const isLarge = (token) => /^-?[1-9]\d*$/.test(token) && !Number.isSafeInteger(Number(token));

/**
 * As `JSON.parse`; whole numbers that it would round are BigInts, and a number beyond all is an error.
 * @param {string} text
 * @returns {any}
 */
export const parseExactly = (text) =>
  JSON.parse(text.replace(tokens, (token) => (isLarge(token) ? `"${mark}${token}"` : token)), (_, value) => {
    if (typeof value === "number" && !Number.isFinite(value)) throw new RangeError("a number is too large");
    return typeof value === "string" && value.startsWith(mark) ? BigInt(value.slice(mark.length)) : value;
  });

/**
 * As `JSON.stringify`; BigInts are whole numbers.
 * @param {any} value @param {number} [indent]
 * @returns {string}
 */
export const writeExactly = (value, indent = 0) =>
  JSON.stringify(value, (_, one) => (typeof one === "bigint" ? `${mark}${one}` : one), indent).replace(marked, "$1");

/**
 * Whether a value holds something, however deep.
 * @param {any} value @param {(leaf: any) => boolean} test
 * @returns {boolean}
 */
const holds = (value, test) => (value !== null && typeof value === "object"
  ? Object.values(value).some((one) => holds(one, test)) : test(value));

/**
 * Whether a parsed document may have lost digits.
 * @param {any} value
 */
export const isRounded = (value) => holds(value, (leaf) => Number.isInteger(leaf) && !Number.isSafeInteger(leaf));

/**
 * A plan's input as it is sent: where a number in it is too large for a browser it goes as its text, which the node
 * reads as the command line does.
 * @param {any} value
 */
export const inputToSend = (value) => (holds(value, (leaf) => typeof leaf === "bigint") ? writeExactly(value) : value);

/**
 * JSON that somebody wrote, as it is sent.
 * @param {string} text
 * @returns {any}
 * @throws {SyntaxError} It is no JSON.
 * @throws {RangeError} A number in it is too large for a browser, which would send another.
 */
export function jsonToSend(text) {
  const value = parseExactly(text);
  if (inputToSend(value) !== value) throw new RangeError("a number is too large");
  return value;
}

/**
 * Something that was fetched; where it may have lost digits it is fetched once more without that.
 * @param {any} known
 * @param {string} path Where the whole document is.
 * @param {(document: any) => any} [part] What of the document it is.
 * @returns {Promise<any>}
 */
export const exactly = async (known, path, part = (document) => document) =>
  (isRounded(known) ? part(parseExactly(await get(path, { asText: true }))) : known);
