// As what an artifact is shown: by its type, else by its name; what is no text is not shown as one.
import assert from "node:assert/strict";
import { test } from "node:test";
import { imageType, isBinary, isPageByName, kindOf, kindText } from "../../../Sources/WebUI/assets/data/preview.js";

const kind = (name, type) => kindOf({ name, media_type: type });

test("the type decides, the name only where the type says nothing", () => {
  assert.equal(kind("a.txt", "application/json; charset=utf-8"), "json");
  assert.equal(kind("a.json", "text/html"), "page");
  assert.equal(kind("a.md", "application/octet-stream"), "markdown");
  assert.equal(kind("report.csv", ""), "table");
  assert.equal(kind("a.patch", "text/plain"), "diff");
  assert.equal(kind("a.unknown", "text/plain"), "text");
  assert.equal(kind("a.json", "application/zip"), "none");
  assert.equal(kind("a", undefined), "none");
  assert.equal(kind("a", "application/vnd.thing+json"), "json");
  for (const name of ["constructor", "toString", "__proto__"]) {
    assert.equal(kind("a", name), "none");
    assert.equal(kind(`a.${name}`, "text/plain"), "text");
  }
});

test("a page is what says so; what is only named as one is text", () => {
  assert.equal(kind("a.html", "application/octet-stream"), "text");
  assert.equal(isPageByName({ name: "a.html", media_type: "application/octet-stream" }), true);
  assert.equal(isPageByName({ name: "a.htm", media_type: "text/plain" }), true);
  assert.equal(isPageByName({ name: "a.html", media_type: "text/html; charset=utf-8" }), false);
  assert.equal(isPageByName({ name: "a.html", media_type: "image/png" }), false);
});

test("an image is given a type of an image, whatever it says", () => {
  assert.equal(imageType({ name: "a.svg", media_type: "application/octet-stream" }), "image/svg+xml");
  assert.equal(imageType({ name: "a.jpg", media_type: "" }), "image/jpeg");
  assert.equal(imageType({ name: "a.exe", media_type: "image/png" }), "image/png");
});

test("bytes with a zero are no text", () => {
  assert.equal(isBinary(new Uint8Array([65, 0, 66])), true);
  assert.equal(isBinary(new TextEncoder().encode("text")), false);
});

test("what is kept without a type is told by its name, not as a stream of octets", () => {
  const told = (/** @type {string} */ name, /** @type {string} */ type) => kindText({ name, media_type: type });
  assert.deepEqual([told("a.md", "application/octet-stream"), told("a.json", ""), told("core", "application/octet-stream")],
    ["Markdown", "JSON", "binary"]);
  assert.equal(told("a.md", "text/plain"), "text/plain");
});
