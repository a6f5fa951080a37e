// A button with a list of actions behind it: arrow keys move, Esc closes, a letter finds.
// @ts-check
import { html, render } from "../core/html.js";
import { path } from "../core/router.js";
import { effect, onEnd } from "../core/signal.js";
import { icon } from "./icon.js";

/**
 * @typedef {{text: string, icon?: string, run?: () => void, href?: string, isDangerous?: boolean, isDisabled?: boolean,
 *   why?: string} | null | false} MenuItem `null` leaves a line.
 */

/**
 * A button that opens a menu.
 * @param {{label: string, icon?: string, text?: any, items: () => MenuItem[], className?: string}} options
 */
export function menuButton({ label, icon: name = "more", text, items, className = "icon-button" }) {
  const button = /** @type {HTMLButtonElement} */ (html`<button type="button" class=${className}
    aria-label=${text ? null : label} aria-haspopup="menu"
    aria-expanded="false" @click=${(/** @type {Event} */ event) => {
      event.preventDefault();
      event.stopPropagation();
      openMenu(button, items());
    }}>${text ?? null}${icon(name)}</button>`);
  return button;
}

/** @type {(() => void) | null} */
let closeOpen = null;

/**
 * Opens a menu below an element; it goes when the element's page does, or the element moves away.
 * @param {HTMLElement} anchor @param {MenuItem[]} items
 */
export function openMenu(anchor, items) {
  closeOpen?.();
  const menu = document.createElement("div");
  menu.className = "menu";
  menu.setAttribute("role", "menu");
  const close = (isBack = true) => {
    if (closeOpen !== end) return;
    closeOpen = null;
    scope.end();
    menu.remove();
    anchor.setAttribute("aria-expanded", "false");
    if (isBack) anchor.focus();
  };
  const end = () => close(false);
  const begun = path.peek();
  const scope = render(menu, () => {
    const away = (/** @type {Event} */ event) => {
      if (!menu.contains(/** @type {Node} */ (event.target)) && !anchor.contains(/** @type {Node} */ (event.target))) end();
    };
    // A log that goes on beside it does not move it.
    const { left, top } = anchor.getBoundingClientRect();
    const moved = () => {
      const now = anchor.getBoundingClientRect();
      if (now.left !== left || now.top !== top) end();
    };
    addEventListener("pointerdown", away, true);
    addEventListener("scroll", moved, true);
    onEnd(() => {
      removeEventListener("pointerdown", away, true);
      removeEventListener("scroll", moved, true);
    });
    effect(() => { if (path.value !== begun) end(); });
    return items.filter((item) => item !== false).map((item) => (item === null ? html`<hr>`
      : entry(/** @type {any} */ (item), close)));
  });
  closeOpen = end;
  anchor.setAttribute("aria-expanded", "true");
  (anchor.closest("dialog") ?? document.body).append(menu);
  place(menu, anchor);
  menu.addEventListener("keydown", (event) => {
    const entries = /** @type {HTMLElement[]} */ ([...menu.querySelectorAll("[role=menuitem]")]);
    const at = entries.indexOf(/** @type {HTMLElement} */ (document.activeElement));
    if (event.key === "Escape" || event.key === "Tab") close();
    else if (event.key === "ArrowDown") entries[(at + 1) % entries.length]?.focus();
    else if (event.key === "ArrowUp") entries[(at - 1 + entries.length) % entries.length]?.focus();
    else if (event.key === "Home") entries[0]?.focus();
    else if (event.key === "End") entries[entries.length - 1]?.focus();
    else if (/^[a-z]$/i.test(event.key) && !event.ctrlKey && !event.metaKey) {
      [...entries.slice(at + 1), ...entries.slice(0, at + 1)].find((entry_) =>
        entry_.textContent?.trim().toLowerCase().startsWith(event.key.toLowerCase()))?.focus();
    } else return;
    event.preventDefault();
    event.stopPropagation();
  });
  const first = menu.querySelector("[role=menuitem]:not([aria-disabled=true])") ?? menu.querySelector("[role=menuitem]");
  /** @type {HTMLElement | null} */ (first)?.focus({ preventScroll: true });
}

/** @param {Exclude<MenuItem, null | false>} item @param {(isBack?: boolean) => void} close */
function entry(item, close) {
  const className = `menu-item ${item.isDangerous ? "is-danger" : ""}`;
  const why = item.isDisabled && item.why ? html`<br><span class="small">${item.why}</span>` : null;
  const body = html`${item.icon ? icon(item.icon) : null}<span>${item.text}${why}</span>`;
  if (item.href) {
    return html`<a role="menuitem" class=${className} href=${item.href} @click=${() => close(false)}>${body}</a>`;
  }
  return html`<button type="button" role="menuitem" tabindex="-1" class=${className}
    aria-disabled=${item.isDisabled ? "true" : null} @click=${() => {
      if (item.isDisabled) return;
      close();
      item.run?.();
    }}>${body}</button>`;
}

/** @param {HTMLElement} menu @param {HTMLElement} anchor */
function place(menu, anchor) {
  const at = anchor.getBoundingClientRect();
  const size = menu.getBoundingClientRect();
  const left = Math.max(8, Math.min(at.left, innerWidth - size.width - 8));
  const isBelow = at.bottom + size.height + 8 < innerHeight || at.top < size.height + 8;
  menu.style.left = `${left}px`;
  menu.style.top = `${isBelow ? at.bottom + 4 : at.top - size.height - 4}px`;
}
