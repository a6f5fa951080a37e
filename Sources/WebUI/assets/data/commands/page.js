// Verbs of the page itself: where to go, and how it looks in this browser. Pure.
// @ts-check
import { word } from "./words.js";

/** @type {import("./words.js").Command[]} */
export const pageCommands = [
  { name: "go to", words: ["go", "open"], group: "Go", icon: "right", args: [word("page", "page")],
    text: "Open a page" },
  { name: "theme", group: "Settings", icon: "theme", args: [word("dark, light or system", "theme")],
    text: "Dark, light, or as the system has it" },
  { name: "density", group: "Settings", icon: "settings", args: [word("default or compact", "density")],
    text: "How close rows stand" },
  { name: "navigation", group: "Settings", icon: "menu", args: [word("wide or narrow", "navigation")],
    text: "With its words, or icons alone" },
  { name: "notes", group: "Settings", icon: "approvals", args: [word("on or off", "switch")],
    text: "A note of the browser when something begins to wait for you" },
  { name: "keys", group: "Settings", icon: "command", text: "All keys that do something here" },
  { name: "sign out", words: ["logout"], group: "Settings", icon: "user", text: "End this browser's session" },
  { name: "help", words: ["?"], group: "Settings", icon: "search", text: "What can be said here" },
];
