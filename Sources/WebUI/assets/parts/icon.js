// The page's icons: drawn here, on a grid of 16, in the colour of the text beside them.
// @ts-check
import { svg, html } from "../core/html.js";

/** @type {Record<string, string>} */
const paths = {
  board: "M2.5 2.5h3v11h-3zM6.5 2.5h3v7h-3zM10.5 2.5h3v9h-3z",
  sessions: "M2.5 4.5h11v8h-11zM4.5 2.5h7",
  runs: "M2.5 4h11M2.5 8h11M2.5 12h7",
  approvals: "M8 2.5a3 3 0 0 1 1.5 5.6V10h2l1 3.5h-9l1-3.5h2V8.1A3 3 0 0 1 8 2.5z",
  templates: "M3.5 2.5h6l3 3v8h-9zM9.5 2.5v3h3M5.5 8.5h5M5.5 11h3",
  plan: "M6.5 2.5h3v3h-3zM2.5 10.5h3v3h-3zM10.5 10.5h3v3h-3zM8 5.5v2.5M4 10.5V8h8v2.5",
  schedules: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3.2l2.2 1.3",
  cluster: "M2.5 3h11v3.5h-11zM2.5 9.5h11V13h-11zM4.7 4.8h.1M4.7 11.2h.1",
  metrics: "M2.5 13.5h11M4 11V8M7 11V4.5M10 11V6.5M13 11V3",
  settings: "M2.5 4.5h5M11.5 4.5h2M9.5 2.7v3.6M2.5 11.5h2M8.5 11.5h5M6.5 9.7v3.6",
  search: "M7 2.5a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.3l3.2 3.2",
  plus: "M8 3v10M3 8h10",
  close: "M4 4l8 8M12 4l-8 8",
  check: "M3 8.5l3.2 3L13 4.5",
  warning: "M8 2.5l6 11H2zM8 6.8v3M8 11.8h.1",
  more: "M3.5 8h.1M8 8h.1M12.5 8h.1",
  pause: "M5.5 3.5v9M10.5 3.5v9",
  play: "M5 3l7.5 5L5 13z",
  stop: "M4 4h8v8H4z",
  retry: "M12.8 6.5A5 5 0 1 0 13 9M13 2.8v3.7H9.3",
  skip: "M3.5 3.5L9 8l-5.5 4.5zM12 3.5v9",
  download: "M8 2.5v7.5M4.8 7L8 10.2 11.2 7M3 13.5h10",
  link: "M6.7 9.3l2.6-2.6M7.2 4.6l1.3-1.3a2.7 2.7 0 0 1 4 4l-1.3 1.3M8.8 11.4l-1.3 1.3a2.7 2.7 0 0 1-4-4l1.3-1.3",
  up: "M8 13V3.5M4 7l4-4 4 4",
  down: "M8 3v9.5M4 9l4 4 4-4",
  left: "M10 3.5L5.5 8l4.5 4.5",
  right: "M6 3.5L10.5 8 6 12.5",
  "chevron-down": "M3.5 6L8 10.5 12.5 6",
  wrap: "M2.5 4h11M2.5 8h9a2 2 0 0 1 0 4H8M9.8 10.2L8 12l1.8 1.8M2.5 12h3",
  follow: "M8 2.5v8M4.8 7.5L8 10.7l3.2-3.2M3 13.5h10",
  clock: "M8 2.5a5.5 5.5 0 1 1 0 11 5.5 5.5 0 0 1 0-11zM8 5v3.2l2.2 1.3",
  expand: "M9.5 2.5h4v4M6.5 13.5h-4v-4M13.5 2.5L9 7M2.5 13.5L7 9",
  filter: "M2.5 3.5h11L9.5 8.5v4l-3 1v-5z",
  save: "M4 2.5h8v11l-4-3-4 3z",
  edit: "M10.5 3l2.5 2.5L6 12.5l-3 .5.5-3z",
  trash: "M3 4.5h10M6 4.5v-2h4v2M4.5 4.5l.7 9h5.6l.7-9",
  archive: "M2.5 3h11v3h-11zM3.5 6v7.5h9V6M6.5 8.5h3",
  node: "M8 2.5l5 2.8v5.4l-5 2.8-5-2.8V5.3z",
  user: "M8 3a2.6 2.6 0 1 1 0 5.2A2.6 2.6 0 0 1 8 3zM3 13.5c.5-2.6 2.4-4 5-4s4.5 1.4 5 4",
  theme: "M8 2.500a5.5 5.5 0 1 0 5.5 5.5 4.2 4.2 0 0 1-5.5-5.500z",
  menu: "M2.5 4h11M2.5 8h11M2.5 12h11",
  zoomIn: "M7 2.500a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.300l3.2 3.200M7 5v4M5 7h4",
  zoomOut: "M7 2.500a4.5 4.5 0 1 1 0 9 4.5 4.5 0 0 1 0-9zM10.3 10.300l3.2 3.200M5 7h4",
  fit: "M2.5 6V2.500H6M10 2.500h3.500V6M13.5 10v3.500H10M6 13.500H2.500V10",
  proof: "M8 2.500l4.5 1.800v3.500c0 2.8-1.8 4.7-4.5 5.7-2.7-1-4.5-2.9-4.5-5.700V4.300zM6 8l1.5 1.500L10.3 6.5",
  file: "M4 2.500h5l3 3v8H4zM9 2.500v3h3",
  command: "M5 5.500L2.5 8 5 10.500M11 5.500L13.5 8 11 10.500M9 3.500l-2 9",
  key: "M5.5 5.500a2.5 2.5 0 1 1 0 5 2.5 2.5 0 0 1 0-5zM8 8h5.500v2.500M11 8v2",
  lock: "M4 7.500h8v6H4zM5.5 7.500V5.300a2.5 2.5 0 0 1 5 0v2.2",
  details: "M2.5 3h11v10h-11zM9.5 3v10",
  copy: "M5.5 5.5h8v8h-8zM3 10.5H2.5v-8h8V3",
  hand: "M5 8V4a1 1 0 0 1 2 0v3.500V3a1 1 0 0 1 2 0v4.500V4a1 1 0 0 1 2 0v6a3.5 3.5 0 0 1-3.5 3.500C5 13.5 4.5 12 3 9.500a1 1 0 0 1 2-.5",
  drag: "M6 4h.1M10 4h.1M6 8h.1M10 8h.1M6 12h.1M10 12h.1",
};

/**
 * An icon; it says nothing to a screen reader, what it stands beside does.
 * @param {string} name @param {string} [className]
 */
export function icon(name, className = "") {
  return html`<svg class=${`icon ${className}`} viewBox="0 0 16 16" aria-hidden="true">${svg`<path d=${paths[name] ?? ""}></path>`}</svg>`;
}
