// A leaf: an element of its own, built when it comes into the document and ended when it leaves it.
// @ts-check
import { render } from "./html.js";
import { onEnd } from "./signal.js";

/**
 * Defines an element in the light document, which takes no room of its own.
 *
 * It ends with whoever made it, or when it is taken out of the document; put in again, it is built anew.
 * @template {any[]} Given
 * @param {string} name As `oc-log`.
 * @param {(...given: Given) => any} body What is in it.
 * @returns {(...given: Given) => HTMLElement} Makes one.
 */
export function leaf(name, body) {
  class Leaf extends HTMLElement {
    /** @type {Given | null} */
    given = null;
    /** @type {import("./signal.js").Scope | null} */
    scope = null;

    connectedCallback() {
      const given = this.given;
      if (given) this.scope ??= render(this, () => body(...given));
    }

    disconnectedCallback() {
      // A row that is moved leaves and comes back at once.
      queueMicrotask(() => { if (!this.isConnected) this.end(); });
    }

    end() {
      this.scope?.end();
      this.scope = null;
    }
  }
  customElements.define(name, Leaf);
  return (...given) => {
    const made = new Leaf();
    made.given = given;
    onEnd(() => {
      made.given = null;
      made.end();
    });
    return made;
  };
}
