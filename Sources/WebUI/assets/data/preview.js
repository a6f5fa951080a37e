// As what an artifact is shown, and how much of it is fetched for that. Pure.
// @ts-check

/** @typedef {"text" | "json" | "markdown" | "diff" | "table" | "image" | "page" | "none"} PreviewKind */

/**
 * Bytes that are fetched to show something of a kind.
 * @type {Record<PreviewKind, number>}
 */
export const bytesMax = {
  text: 2_000_000, json: 8_000_000, markdown: 1_000_000, diff: 2_000_000, table: 2_000_000, image: 20_000_000,
  page: 2_000_000, none: 0,
};

const images = new Set(["image/png", "image/jpeg", "image/gif", "image/webp", "image/svg+xml"]);
/** @type {Record<string, PreviewKind>} */
const byType = {
  "application/json": "json", "text/markdown": "markdown", "text/x-diff": "diff", "text/x-patch": "diff",
  "text/csv": "table", "text/tab-separated-values": "table", "text/html": "page", "application/xhtml+xml": "page",
  "application/xml": "text", "application/yaml": "text", "application/x-yaml": "text", "application/toml": "text",
  "application/x-sh": "text", "application/javascript": "text", "application/sql": "text",
  "application/x-ndjson": "text",
};
/** @type {Record<string, PreviewKind>} */
const byEnding = {
  json: "json", md: "markdown", markdown: "markdown", diff: "diff", patch: "diff", csv: "table", tsv: "table",
  png: "image", jpg: "image", jpeg: "image", gif: "image", webp: "image", svg: "image", html: "text", htm: "text",
  txt: "text", log: "text", yaml: "text", yml: "text", toml: "text", xml: "text", sh: "text", sql: "text", ini: "text",
  conf: "text", env: "text", ndjson: "text", jsonl: "text", out: "text", err: "text", swift: "text", py: "text",
  js: "text", ts: "text", css: "text", go: "text", rs: "text", c: "text", h: "text", tf: "text",
};

/** @param {string} name */
const ending = (name) => (/\.([A-Za-z0-9]{1,10})$/.exec(name)?.[1] ?? "").toLowerCase();

/** @param {Record<string, PreviewKind>} kinds @param {string} name Somebody's: it may be `constructor`. */
const own = (kinds, name) => (Object.hasOwn(kinds, name) ? kinds[name] : undefined);

/**
 * As what something is shown: what it calls itself, else by its name's ending.
 * @param {{name: string, media_type?: string}} artifact
 * @returns {PreviewKind}
 */
export function kindOf({ name, media_type: type = "" }) {
  const media = type.split(";")[0].trim().toLowerCase();
  if (images.has(media)) return "image";
  const typed = own(byType, media);
  if (typed) return typed;
  if (media.endsWith("+json")) return "json";
  const named = own(byEnding, ending(name));
  if (media.startsWith("text/") || media === "" || media === "application/octet-stream") {
    return named ?? (media.startsWith("text/") ? "text" : "none");
  }
  return "none";
}

/** @type {Record<PreviewKind, string>} */
const words = {
  text: "text", json: "JSON", markdown: "Markdown", diff: "diff", table: "table", image: "image", page: "page",
  none: "binary",
};

/**
 * What something is, in a word or two: what it calls itself, where that says anything.
 * @param {{name: string, media_type?: string}} artifact
 */
export function kindText(artifact) {
  const { media_type: type = "" } = artifact;
  return type === "" || type.startsWith("application/octet-stream") ? words[kindOf(artifact)] : type;
}

/**
 * Whether something is named as a page without saying that it is one: the node shows as a page only what does.
 * @param {{name: string, media_type?: string}} artifact
 */
export const isPageByName = (artifact) => /^html?$/.test(ending(artifact.name)) && kindOf(artifact) === "text";

/**
 * The type a browser is told an image is.
 * @param {{name: string, media_type?: string}} artifact
 */
export function imageType({ name, media_type: type = "" }) {
  const media = type.split(";")[0].trim().toLowerCase();
  if (images.has(media)) return media;
  const named = ending(name);
  return named === "svg" ? "image/svg+xml" : `image/${named === "jpg" ? "jpeg" : named}`;
}

/**
 * Whether bytes are no text: they hold what no text holds.
 * @param {Uint8Array} bytes
 */
export const isBinary = (bytes) => bytes.subarray(0, 8192).includes(0);
