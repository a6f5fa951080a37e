// Moments and lengths of time that go on by themselves.
// @ts-check
import { now } from "../core/clock.js";
import { ago, duration, fullMoment, moment } from "../core/format.js";
import { html } from "../core/html.js";

/**
 * How long ago; the whole moment is its title.
 * @param {() => string | null | undefined} at
 */
export const timeAgo = (at) => html`<time datetime=${() => at() ?? null}
  title=${() => fullMoment(at())}>${() => ago(at(), now.value)}</time>`;

/**
 * The clock's time.
 * @param {() => string | null | undefined} at
 */
export const timeOf = (at) => html`<time datetime=${() => at() ?? null} title=${() => fullMoment(at())}>${() => moment(at())}</time>`;

/**
 * How long something took, or takes until now while it has not ended.
 * @param {() => string | null | undefined} from @param {() => string | null | undefined} to
 */
export const elapsed = (from, to) => html`<span class="num">${() => {
  const begun = from();
  if (!begun) return "–";
  const end = to();
  return duration((end ? Date.parse(end) : now.value) - Date.parse(begun));
}}</span>`;
