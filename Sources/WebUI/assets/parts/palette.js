// The command bar: what is typed, what is offered for it, and what was said and answered in this visit.
// @ts-check
import { plain } from "../core/format.js";
import { each, html } from "../core/html.js";
import { navigate } from "../core/router.js";
import { kept } from "../core/settings.js";
import { computed, effect, signal, untracked } from "../core/signal.js";
import { onlyElsewhere, parse, usage } from "../data/commands.js";
import { may } from "../data/me.js";
import { examples, noCommand, remembered, suggest, wanted } from "../data/suggest.js";
import { openDialog } from "./dialog.js";
import { sentence } from "./error.js";
import { icon } from "./icon.js";
import { act } from "./palette/act.js";
import { isPending, sources, trouble, want } from "./palette/sources.js";
import { stateOf } from "./status.js";
import { attempt } from "./toast.js";

/**
 * What was said and answered.
 * @typedef {{id: number, who: "you" | "room", text: string, next?: string, lines?: string[], isError?: boolean,
 *   isUnknown?: boolean, link?: {href: string, text: string}, buttons?: {verb: string, isDangerous?: boolean, work: () => void}[],
 *   answer: import("../core/signal.js").Signal<string>}} Entry `answer` is the button that was pressed: there is one
 *   answer to a question, whenever the bar is opened.
 */

const recent = kept("commands", /** @type {string[]} */ ([]));
const log = signal(/** @type {Entry[]} */ ([]));
const entriesMax = 60;
let last = 0;
/**
 * The bar that is open: what was said in one that is closed may be answered in the next.
 * @type {{text: import("../core/signal.js").Signal<string>, input: HTMLInputElement, element: HTMLElement,
 *   close: () => void} | null}
 */
let opened = null;

/** @param {Omit<Entry, "id" | "answer">} entry */
function tell(entry) {
  log.value = [...log.peek(), { ...entry, id: (last += 1), answer: signal("") }].slice(-entriesMax);
}

/**
 * Opens the bar, or puts a text into it where it is open.
 * @param {string} [begin]
 */
export function open(begin = "") {
  if (opened) {
    // The key that opens it takes nothing away that is typed.
    if (begin) opened.text.value = begin;
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
  opened = { text, input, element: dialog.element, close: dialog.close };

  /** @param {KeyboardEvent} event */
  function press(event) {
    // Enter ends a word that is put together from several keys; it is no command yet.
    if (event.isComposing) return;
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
    if (line) say(line);
    text.value = "";
    input.focus();
  }

  return html`<div class="palette-body">
    <div class="palette-log" role="log" aria-label="What was said in this visit" tabindex="0"
      hidden=${() => log.value.length === 0}
      ref=${keepAtEnd}>${each(() => log.value, (entry) => entry.id, (entry) => entryRow(entry.peek()))}</div>
    <label class="palette-line">${icon("right")}${input}<kbd>Esc</kbd></label>
    <div id="palette-list" class="palette-list" role="listbox"
      aria-label="Suggestions">${() => groups(offered.value).map(([name, many]) =>
      html`<div role="group" aria-label=${name}><div class="palette-group"
        aria-hidden="true">${name}</div>${many.map(({ one, at }) =>
        option(one, at, chosen, () => take(one)))}</div>`)}</div>
    <p class="palette-foot muted" role="status">${() => trouble.value
      || (offered.value.length === 0 && wrongIn(text.value)) || "Enter does it · Tab completes · Esc clears, then closes"}</p>
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
 * What is wrong with a line, in a sentence; empty where nothing is.
 * @param {string} line
 */
function wrongIn(line) {
  const wrong = parse(line)?.wrong;
  return wrong ? plain([sentence(wrong.text), wrong.next].filter(Boolean).join(" "), 300) : "";
}

/**
 * Does what a line says, and tells how it came out.
 * @param {string} line
 */
async function say(line) {
  tell({ who: "you", text: line });
  const said = parse(line);
  if (!said) return tell(unknown(line));
  const { command } = said;
  if (command.scope && !may(command.scope)) {
    tell({ who: "room", text: "Your token may not do that.", next: "Sign in with one that may: Settings.",
      isError: true });
    return;
  }
  if (said.wrong) return tell({ who: "room", text: sentence(said.wrong.text), next: said.wrong.next, isError: true });
  if (!said.isComplete) {
    tell({ who: "room", text: `There is something missing: ${usage(command)}`, isError: true });
    return;
  }
  recent.value = remembered(recent.peek(), line);
  // Of many runs their own dialog asks; what changes nothing needs no answer.
  if (!command.asks || said.many.filter || said.options["dry-run"]) return perform(() => act(said));
  ask(command.asks, command.verb ?? "Do it", () => act(said));
}

/**
 * What is answered to a line that has no verb of this page.
 * @param {string} line
 * @returns {Omit<Entry, "id" | "answer">}
 */
function unknown(line) {
  const there = onlyElsewhere(line);
  if (there) return { who: "room", text: `${there}: this page cannot.`, next: "Say it in a terminal.", isError: true };
  return { who: "room", text: noCommand(line), lines: examples, isUnknown: true };
}

/**
 * Asks before something is done.
 * @param {string} text @param {string} verb
 * @param {() => Promise<import("./palette/answers.js").Answer>} work
 */
function ask(text, verb, work) {
  tell({
    who: "room", text,
    buttons: [
      { verb, isDangerous: true, work: () => { perform(work); } },
      { verb: "Leave it", work: () => tell({ who: "room", text: "Nothing was done." }) },
    ],
  });
  // Whoever wants it presses once more, on the button that says so.
  setTimeout(() => /** @type {HTMLElement | null | undefined} */ (
    [...opened?.element.querySelectorAll(".palette-entry") ?? []].at(-1)?.querySelector("button"))?.focus());
}

/** @param {() => Promise<import("./palette/answers.js").Answer>} work */
async function perform(work) {
  try {
    const { text, lines, link, more, ask: question, isDone } = await work();
    if (question) return ask(text, question.verb, question.work);
    tell({
      who: "room", text, lines, link,
      buttons: more ? [{ verb: more.verb, work: () => {
        opened?.close();
        attempt(async () => more.work());
      } }] : undefined,
    });
    if (isDone) opened?.close();
  } catch (error) {
    tell({ who: "room", text: sentence(error), next: error?.next ?? "", isError: true });
  }
}

/** @param {Entry} entry */
function entryRow(entry) {
  return html`<div class=${`palette-entry is-${entry.who}`} class:is-error=${Boolean(entry.isError)}>
    <span class="palette-who" aria-hidden="true">${entry.who === "you" ? "›" : entry.isError ? "!"
      : entry.buttons || entry.isUnknown ? "?" : "✓"}</span>
    <div><p>${plain(entry.text, 600)}</p>
      ${entry.next ? html`<p class="muted">${plain(entry.next, 400)}</p>` : null}
      ${entry.lines?.length ? html`<ul>${entry.lines.map((line) => html`<li><button class="palette-example mono"
        @click=${() => {
        if (!opened) return;
        opened.text.value = line.split(" – ")[0].split(/[<[]/)[0];
        opened.input.focus();
      }}>${plain(line, 300)}</button></li>`)}</ul>` : null}
      ${entry.link ? html`<a class="link" href=${entry.link.href}
        @click=${() => setTimeout(() => opened?.close())}>${entry.link.text}</a>` : null}
      ${() => (!entry.buttons ? null : entry.answer.value ? html`<p class="muted">${entry.answer.value}</p>`
        : html`<span class="row">${entry.buttons.map((button) => html`<button
        class=${button.isDangerous ? "button is-small is-danger" : "button is-small"} @click=${() => {
          if (entry.answer.peek()) return;
          entry.answer.value = button.verb;
          opened?.input.focus();
          button.work();
        }}>${button.verb}</button>`)}</span>`)}
    </div></div>`;
}

/**
 * The newest entry is seen, a long one from its beginning.
 * @param {HTMLElement} place
 */
function keepAtEnd(place) {
  const show = () => {
    place.scrollTop = place.scrollHeight;
    const hidden = place.getBoundingClientRect().top - (place.lastElementChild?.getBoundingClientRect().top ?? Infinity);
    if (hidden > 0) place.scrollTop -= hidden;
  };
  effect(() => {
    log.value;
    queueMicrotask(() => requestAnimationFrame(show));
  });
}
