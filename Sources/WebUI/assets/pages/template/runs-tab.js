// The latest runs of a template.
// @ts-check
import { part } from "../../data/api.js";
import { html } from "../../core/html.js";
import { recentRuns } from "../../parts/recent-runs.js";

/** @param {string} name */
export const runsTab = (name) => html`<div class="section">${recentRuns({
  path: () => `/v1/runs?template=${part(name)}&limit=50`, all: `/ui/runs?template=${part(name)}`,
  emptyText: "No run of it yet: press Run.",
})}</div>`;
