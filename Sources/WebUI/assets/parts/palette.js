// The command bar: what is typed, what is offered for it, and what was said and answered in this visit.
// @ts-check
import { plain } from "../core/format.js";
import { each, html } from "../core/html.js";
import { navigate } from "../core/router.js";
import { kept } from "../core/settings.js";
import { computed, effect, signal, untracked } from "../core/signal.js";
import { parse, usage } from "../data/commands.js";
import { may } from "../data/me.js";
import { examples, noCommand, remembered, suggest, wanted } from "../data/suggest.js";
import { openDialog } from "./dialog.js";
import { sentence } from "./error.js";
import { icon } from "./icon.js";
import { act } from "./palette/act.js";
import { isPending, sources, trouble, want } from "./palette/sources.js";
import { stateOf } from "./status.js";

/**
 * What was said and answered.
 * @typedef {{id: number, who: "you" | "room", text: string, next?: string, lines?: string[], isError?: boolean,
 *   link?: {href: string, text: string}, buttons?: {verb: string, isDangerous?: boolean, work: () => void}[]}} Entry
 */

const recent = kept("commands", /** @type {string[]} */ ([]));
const log = signal(/** @type {Entry[]} */ ([]));
const entriesMax = 60;
let last = 0;
/** @type {{text: import("../core/signal.js").Signal<string>, input: HTMLInputElement, close: () => void} | null} */
let opened = null;

/** @param {Omit<Entry, "id">} entry */
function tell(entry) {
  log.value = [...log.peek(), { ...entry, id: (last += 1) }].slice(-entriesMax);
}

/**
 * Opens the bar, or puts a text into it where it is open.
 * @param {string} [begin]
 */
export function open(begin = "") {
  if (opened) {
    opened.text.value = begin;
    opened.input.focus();
    return;
  }
  const dialog = openDialog({ title: "", label: "Command bar", className: "palette", body: (own) => bar(own, begin) });
  dialog.element.addEventListener("close", () => { opened = null; });
  /** @type {any} */ (opened)?.input.focus();
}

/** @param {import("./dialog.js").OpenDialog} dialog @param {string} begin */
function bar(dialog, begin) {
  const text = signal(begin);
  const chosen = signal(0);
  const offered = computed(() => suggest(text.value, { sources: sources.value, recent: recent.value, may }));
  effect(() => {
    text.value;
    chosen.value = 0;
    want(wanted(text.value));
  });
  const input = /** @type {HTMLInputElement} */ (html`<input class="palette-input" role="combobox"
    aria-label="Command" aria-expanded="true"
    aria-autocomplete="list" aria-controls="palette-list" aria-activedescendant=${() => (offered.value.length > 0
      ? `palette-${chosen.value}` : null)}
    autocomplete="off" autocapitalize="off" spellcheck="false" autofocus
    placeholder="Run, retry, cancel, go to…  or say what you look for"
    .value=${text} @input=${() => { text.value = input.value; }} @keydown=${press}>`);
  opened = { text, input, close: dialog.close };

  /** @param {KeyboardEvent} event */
  function press(event) {
    const many = offered.peek().length;
    if (event.key === "ArrowDown") chosen.value = many === 0 ? 0 : (chosen.peek() + 1) % many;
    else if (event.key === "ArrowUp") chosen.value = many === 0 ? 0 : (chosen.peek() - 1 + many) % many;
    else if (event.key === "Tab" && !event.shiftKey && many > 0 && offered.peek()[chosen.peek()].line) {
      const one = offered.peek()[chosen.peek()];
      text.value = one.isReady ? one.line : one.line.replace(/\s*$/, one.line.endsWith("=") ? "" : " ");
    } else if (event.key === "Enter") take(offered.peek()[chosen.peek()]);
    else if (event.key === "Escape" && text.peek() !== "") text.value = "";
    else return;
    event.preventDefault();
    event.stopPropagation();
    document.getElementById(`palette-${chosen.peek()}`)?.scrollIntoView({ block: "nearest" });
  }

  /** A text that is perhaps no command waits for what the node finds. */
  const isEager = signal(false);
  effect(() => {
    if (!isEager.value || isPending.value) return;
    isEager.value = false;
    untracked(() => { if (offered.peek()[0]?.id === "plain") take(offered.peek()[0]); });
  });

  /** @param {import("../data/suggest.js").Suggestion | undefined} one */
  function take(one) {
    if (one?.id === "plain" && isPending.peek()) {
      isEager.value = true;
      return;
    }
    if (one?.href) {
      navigate(one.href);
      return dialog.close();
    }
    if (one && !one.isReady) {
      text.value = one.line;
      input.focus();
      return;
    }
    const line = (one?.line ?? text.peek()).trim();
    if (line) say(line, dialog);
    text.value = "";
    input.focus();
  }

  return html`<div class="palette-body">
    <div class="palette-log" role="log" aria-label="What was said in this visit" tabindex="0"
      hidden=${() => log.value.length === 0}
      ref=${keepAtEnd}>${each(() => log.value, (entry) => entry.id, (entry) => entryRow(entry.peek(), dialog,
        input))}</div>
    <label class="palette-line">${icon("right")}${input}<kbd>Esc</kbd></label>
    <div id="palette-list" class="palette-list" role="listbox"
      aria-label="Suggestions">${() => groups(offered.value).map(([name, many]) =>
      html`<div role="group" aria-label=${name}><div class="palette-group"
        aria-hidden="true">${name}</div>${many.map(({ one, at }) =>
        option(one, at, chosen, () => take(one)))}</div>`)}</div>
    <p class="palette-foot muted" role="status">${() => trouble.value
      || "Enter does it · Tab completes · Esc clears, then closes"}</p>
  </div>`;
}

/**
 * Neighbours of one group together, each with its place in the whole list.
 * @param {import("../data/suggest.js").Suggestion[]} offered
 */
function groups(offered) {
  /** @type {Map<string, {one: import("../data/suggest.js").Suggestion, at: number}[]>} */
  const found = new Map();
  offered.forEach((one, at) => found.set(one.group, [...(found.get(one.group) ?? []), { one, at }]));
  return [...found];
}

/**
 * @param {import("../data/suggest.js").Suggestion} one @param {number} at
 * @param {import("../core/signal.js").Signal<number>} chosen @param {() => void} take
 */
function option(one, at, chosen, take) {
  return html`<div id=${`palette-${at}`} class="palette-option" role="option"
    aria-selected=${() => String(chosen.value === at)}
    @pointermove=${() => { chosen.value = at; }} @click=${take}>
    ${one.state ? html`<span class=${`sign tone-${stateOf(one.state).tone}`}
      aria-hidden="true">${stateOf(one.state).sign}</span>` : icon(one.icon)}
    <span class="palette-title clip">${marked(plain(one.title, 200), one.at)}</span>
    <span class="palette-detail clip muted">${plain(one.detail, 160)}</span></div>`;
}

/**
 * The letters that fit, marked.
 * @param {string} text
 * @param {number[]} at
 */
function marked(text, at) {
  if (at.length === 0) return text;
  const places = new Set(at);
  return [...text].map((letter, index) => (places.has(index) ? html`<b>${letter}</b>` : letter));
}

/**
 * Does what a line says, and tells how it came out.
 * @param {string} line @param {import("./dialog.js").OpenDialog} dialog
 */
async function say(line, dialog) {
  tell({ who: "you", text: line });
  const said = parse(line);
  if (!said) {
    tell({ who: "room", text: noCommand(line), lines: examples });
    return;
  }
  const { command } = said;
  if (command.scope && !may(command.scope)) {
    tell({ who: "room", text: "Your token may not do that.", next: "Sign in with one that may: Settings.",
      isError: true });
    return;
  }
  if (!said.isComplete) {
    tell({ who: "room", text: `There is something missing: ${usage(command)}`, isError: true });
    return;
  }
  recent.value = remembered(recent.peek(), line);
  if (!command.asks) return perform(said, dialog);
  const done = signal(false);
  const once = (/** @type {() => void} */ work) => () => {
    if (done.peek()) return;
    done.value = true;
    work();
    opened?.input.focus();
  };
  tell({
    who: "room", text: command.asks,
    buttons: [
      { verb: command.verb ?? "Do it", isDangerous: true, work: once(() => { perform(said, dialog); }) },
      { verb: "Leave it", work: once(() => tell({ who: "room", text: "Nothing was done." })) },
    ],
  });
  // Whoever wants it presses once more, on the button that says so.
  setTimeout(() => /** @type {HTMLElement | null} */ (
    [...dialog.element.querySelectorAll(".palette-entry")].at(-1)?.querySelector("button") ?? null)?.focus());
}

/** @param {import("../data/commands.js").Parsed} said @param {import("./dialog.js").OpenDialog} dialog */
async function perform(said, dialog) {
  try {
    const answer = await act(said);
    tell({
      who: "room", text: answer.text, lines: answer.lines, link: answer.link,
      buttons: answer.more ? [{ verb: answer.more.verb, work: () => {
        dialog.close();
        answer.more?.work();
      } }] : undefined,
    });
    if (answer.isDone) dialog.close();
  } catch (error) {
    tell({ who: "room", text: sentence(error), next: error?.next ?? "", isError: true });
  }
}

/** @param {Entry} entry @param {import("./dialog.js").OpenDialog} dialog @param {HTMLInputElement} input */
function entryRow(entry, dialog, input) {
  const isOpen = signal(true);
  return html`<div class=${`palette-entry is-${entry.who}`} class:is-error=${Boolean(entry.isError)}>
    <span class="palette-who" aria-hidden="true">${entry.who === "you" ? "›" : entry.isError ? "!"
      : entry.buttons ? "?" : "✓"}</span>
    <div><p>${plain(entry.text, 600)}</p>
      ${entry.next ? html`<p class="muted">${plain(entry.next, 400)}</p>` : null}
      ${entry.lines?.length ? html`<ul>${entry.lines.map((line) => html`<li><button class="palette-example mono"
        @click=${() => {
        if (opened) opened.text.value = line.split(" – ")[0].split(/[<[]/)[0];
        input.focus();
      }}>${plain(line, 300)}</button></li>`)}</ul>` : null}
      ${entry.link ? html`<a class="link" href=${entry.link.href}
        @click=${() => setTimeout(dialog.close)}>${entry.link.text}</a>` : null}
      ${() => (entry.buttons && isOpen.value ? html`<span class="row">${entry.buttons.map((button) => html`<button
        class=${button.isDangerous ? "button is-small is-danger" : "button is-small"} @click=${() => {
          isOpen.value = false;
          button.work();
        }}>${button.verb}</button>`)}</span>` : null)}
    </div></div>`;
}

/**
 * The newest entry is seen.
 * @param {HTMLElement} place
 */
function keepAtEnd(place) {
  effect(() => {
    log.value;
    queueMicrotask(() => requestAnimationFrame(() => { place.scrollTop = place.scrollHeight; }));
  });
}
