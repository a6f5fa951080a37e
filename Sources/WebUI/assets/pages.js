// The table of pages: which address is which, and in which file it is drawn.
// @ts-check
import { match, path } from "./core/router.js";
import { computed, signal } from "./core/signal.js";

/** @type {import("./core/router.js").PageRoute[]} */
export const pages = [
  { pattern: "/ui", name: "board", load: () => import("./pages/board.js") },
  { pattern: "/ui/sessions", name: "sessions", load: () => import("./pages/sessions.js") },
  { pattern: "/ui/sessions/:id", name: "board", load: () => import("./pages/board.js") },
  { pattern: "/ui/runs", name: "runs", load: () => import("./pages/runs.js") },
  { pattern: "/ui/runs/:id", name: "run", load: () => import("./pages/run.js") },
  { pattern: "/ui/bulk", name: "bulk", load: () => import("./pages/bulk.js") },
  { pattern: "/ui/bulk/:id", name: "bulk", load: () => import("./pages/bulk.js") },
  { pattern: "/ui/approvals", name: "approvals", load: () => import("./pages/approvals.js") },
  { pattern: "/ui/templates", name: "templates", load: () => import("./pages/templates.js") },
  { pattern: "/ui/templates/:id", name: "template", load: () => import("./pages/template.js") },
  { pattern: "/ui/plans", name: "plan", load: () => import("./pages/plans.js") },
  { pattern: "/ui/plans/:digest", name: "plan", load: () => import("./pages/plan.js") },
  { pattern: "/ui/schedules", name: "schedules", load: () => import("./pages/schedules.js") },
  { pattern: "/ui/schedules/:id", name: "schedules", load: () => import("./pages/schedules.js") },
  { pattern: "/ui/cluster", name: "cluster", load: () => import("./pages/cluster.js") },
  { pattern: "/ui/metrics", name: "metrics", load: () => import("./pages/metrics.js") },
  { pattern: "/ui/settings", name: "settings", load: () => import("./pages/settings.js") },
];

const found = computed(() => {
  for (const page of pages) {
    const params = match(page.pattern, path.value);
    if (params) return { page, params };
  }
  return null;
});

/** The present page. */
export const pageOf = {
  /** The route and its parameters; `null` where the address names none. */
  found,
  /** What the page calls itself; each page sets it. */
  title: signal(""),
};
