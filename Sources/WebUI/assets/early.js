// What cannot wait for the page's modules: the first view's answers, the theme, a Ctrl+K; no module itself.
// @ts-check
(() => {
  /** @type {Map<string, {answer: Promise<Response>, at: number}>} */
  const early = new Map();
  /** @type {any} */ (globalThis).opsroomEarly = early;
  let wantsBar = false;
  const press = (/** @type {KeyboardEvent} */ event) => {
    if (!(event.ctrlKey || event.metaKey) || event.altKey || event.shiftKey || event.key.toLowerCase() !== "k") return;
    // Some browsers would go to their own field.
    event.preventDefault();
    wantsBar = true;
  };
  addEventListener("keydown", press);
  /** Ends the keeping. @returns {boolean} Whether the command bar is wanted. */
  /** @type {any} */ (globalThis).opsroomKeys = () => {
    removeEventListener("keydown", press);
    const wanted = wantsBar;
    wantsBar = false;
    return wanted;
  };
  const ask = (/** @type {string} */ path) => {
    const answer = fetch(path, /** @type {any} */ ({
      headers: { accept: "application/json" }, cache: "no-store", credentials: "same-origin", priority: "high",
      signal: /** @type {any} */ (AbortSignal).timeout(30_000),
    }));
    // Whoever takes it hears of a failure.
    answer.catch(() => {});
    early.set(path, { answer, at: performance.now() });
  };
  try {
    // Before anything is drawn, so that nobody is dazzled.
    const theme = JSON.parse(localStorage.getItem("opsroom.theme") ?? '"system"');
    if (theme === "dark" || theme === "light") document.documentElement.dataset.theme = theme;
    // Whoever is not signed in would be refused.
    if (localStorage.getItem("opsroom.signed-in") !== "true" || location.hash.includes("code=")) return;
  } catch {
    return;
  }
  ask("/v1/browser-session");
  const session = /^\/ui\/sessions\/([^/]+)$/.exec(location.pathname)?.[1];
  if (session) ask(`/v1/sessions/${session}/board?cards=40`);
})();
