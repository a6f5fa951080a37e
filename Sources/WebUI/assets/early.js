// Asks the node for what the first view needs while the page's modules are still on their way; no module itself.
// @ts-check
(() => {
  /** @type {Map<string, {answer: Promise<Response>, at: number}>} */
  const early = new Map();
  /** @type {any} */ (globalThis).opsroomEarly = early;
  const ask = (/** @type {string} */ path) => {
    const answer = fetch(path, /** @type {any} */ ({
      headers: { accept: "application/json" }, cache: "no-store", credentials: "same-origin", priority: "high",
    }));
    // Whoever takes it hears of a failure.
    answer.catch(() => {});
    early.set(path, { answer, at: performance.now() });
  };
  try {
    // Whoever is not signed in would be refused.
    if (localStorage.getItem("opsroom.signed-in") !== "true" || location.hash.includes("code=")) return;
  } catch {
    return;
  }
  ask("/v1/browser-session");
  const session = /^\/ui\/sessions\/([^/]+)$/.exec(location.pathname)?.[1];
  if (session) ask(`/v1/sessions/${session}/board?cards=40`);
})();
