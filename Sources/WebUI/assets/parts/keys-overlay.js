// The list of all keys that do something now.
// @ts-check
import { html } from "../core/html.js";
import { bindings, shown } from "../core/keys.js";
import { openDialog } from "./dialog.js";

/** Shows the list. */
export function openKeys() {
  const known = new Map(bindings.peek().filter((binding) => binding.text).map((binding) => [binding.keys, binding.text]));
  openDialog({
    title: "Keys",
    body: () => html`<dl class="keys-list">${[...known].sort(([a], [b]) => a.localeCompare(b)).map(([keys, text]) =>
      html`<div><dt>${keys.split(" ").map((key) => html`<kbd>${shown(key)}</kbd>`)}</dt><dd>${text}</dd></div>`)}</dl>`,
  });
}
