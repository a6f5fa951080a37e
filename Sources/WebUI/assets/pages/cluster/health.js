// Whether the node that serves this page is ready, and whether its migrations are those of the database.
// @ts-check
import { each, html } from "../../core/html.js";
import { plain, plural } from "../../core/format.js";
import { resource } from "../../data/resource.js";
import { loaded } from "../../parts/error.js";
import { chip } from "../../parts/status.js";

/** What a check says where it holds, for those whose name says the contrary. */
const words = /** @type {Record<string, string>} */ ({ draining: "goes on", database: "database answers",
  migrations: "migrations fit",
  lease: "lease holds" });

export function health() {
  const ready = resource(() => "/readyz", {
    every: 5000,
    // What is not ready is told with 503: that is an answer, too.
    fetch: async (path, abort) => {
      const response = await fetch(path, { signal: abort, cache: "no-store" });
      return response.json();
    },
  });
  const migrations = resource(() => "/v1/migrations", { every: 60_000 });
  return html`<section class="panel stack"><h2>This node</h2>
    ${loaded(ready, (data) => html`<ul class="checks">${each(() => data.value.checks, (check) => check.name,
      (check) => html`<li class="row">
      <span class=${() => `sign tone-${check.value.ok ? "succeeded" : "failed"}`} role="img"
        aria-label=${() => (check.value.ok ? "fine" : "not fine")}>${() =>
        (check.value.ok ? "✓" : "✕")}</span><span>${() => words[check.value.name] ?? plain(
          check.value.name.replaceAll("_", " "))}</span>
      <span class="muted">${() => plain(check.value.reason ?? "")}</span></li>`)}</ul>`)}
    ${loaded(migrations, (data) => {
      const others = () => data.value.migrations.filter((/** @type {any} */ one) => one.state !== "applied");
      return html`<div>${() => (others().length === 0
        ? html`<p class="muted">${chip(() => "succeeded", () => plural(data.value.migrations.length,
          "migration"))} applied, the last one
          <span class="mono">${plain(data.value.migrations[data.value.migrations.length - 1]?.name ?? "")}</span></p>`
        : html`<ul>${others().map((/** @type {any} */ one) => html`<li class="row">${chip(() => "waiting",
          () => one.state)}
          <span class="mono">${plain(one.name)}</span></li>`)}</ul>`)}</div>`;
    })}</section>`;
}
