// What the verbs of the page do: go somewhere, and set what this browser keeps.
// @ts-check
import { fuzzy } from "../../core/fuzzy.js";
import { density, isNavigationWide, isNotifying, theme } from "../../core/settings.js";
import { commands, usage } from "../../data/commands.js";
import { fixed } from "../../data/commands/words.js";
import { signOut } from "../../data/me.js";
import { Refusal, go } from "./answers.js";

/** @type {import("./answers.js").Verbs} */
export const pageVerbs = {
  "go to": ({ args }) => {
    const best = fixed.page.map((page) => ({ page, score: fuzzy(args[0], page.value)?.score ?? -Infinity })).sort((a,
      b) => b.score - a.score)[0];
    if (best.score === -Infinity) throw new Refusal(`there is no page “${args[0]}”`,
      `there are ${fixed.page.map((page) => page.value).join(", ")}`);
    return go(best.page.href ?? "/ui");
  },
  theme: ({ args }) => {
    theme.value = args[0];
    return { text: `The theme is ${theme.peek() === "system" ? "as the system has it" : theme.peek()}.` };
  },
  density: ({ args }) => {
    density.value = args[0];
    return { text: `Rows stand ${density.peek() === "compact" ? "close" : "as usual"}.` };
  },
  navigation: ({ args }) => {
    isNavigationWide.value = args[0] === "wide";
    return { text: isNavigationWide.peek() ? "The navigation shows its words." : "The navigation shows icons alone." };
  },
  notes: async ({ args }) => {
    if (args[0] === "off") {
      isNotifying.value = false;
      return { text: "No notes are shown." };
    }
    const { isPossible, turnOn } = await import("../../data/notify.js");
    if (!isPossible) {
      throw new Refusal("this browser shows no notes here", "they need HTTPS, or this machine's own address");
    }
    if (!await turnOn()) {
      throw new Refusal("the browser does not allow notes of this page", "allow them beside the address, then say it again");
    }
    return { text: "A note is shown when something begins to wait for you, while the page is not in view." };
  },
  keys: async () => {
    const { openKeys } = await import("../keys-overlay.js");
    setTimeout(openKeys);
    return { text: "All keys are shown.", isDone: true };
  },
  "sign out": async () => {
    await signOut();
    location.assign("/ui");
    return { text: "Signed out.", isDone: true };
  },
  help: () => ({
    text: "This can be said here, as on the command line; arguments are completed while you type.",
    lines: commands.map((command) => `${usage(command)} – ${command.text}`),
  }),
};
