// A chart on a canvas: stacked bars or lines over time, read with the pointer, with keys or as a table.
// @ts-check
import { html } from "../core/html.js";
import { fullMoment } from "../core/format.js";
import { leaf } from "../core/leaf.js";
import { theme } from "../core/settings.js";
import { effect, onEnd, signal, untracked } from "../core/signal.js";
import { greatest, marks, moments, placeAt, stacked } from "../data/chart-scale.js";

/**
 * @typedef {{name: string, tone: string, values: (number | null)[], isDashed?: boolean}} Series `tone` is a state's.
 * @typedef {{at: number[], bucketMilliseconds: number, series: Series[]}} ChartData
 */

const left = 52;
const right = 8;
const top = 8;
const bottom = 22;
const clock = new Intl.DateTimeFormat("en-GB", { hour: "2-digit", minute: "2-digit" });
const day = new Intl.DateTimeFormat("en-GB", { day: "numeric", month: "short" });

/**
 * @param {{title: string, kind: "bars" | "lines", unit: "count" | "duration", data: () => ChartData,
 *   format: (value: number) => string, onPick?: (from: number, to: number) => void, pickTitle?: string}} options
 *   `onPick` is told the time of a bucket that was clicked, or chosen with Enter.
 */
function body({ title, kind, unit, data, format, onPick, pickTitle }) {
  const cursor = signal(/** @type {number | null} */ (null));
  const isTable = signal(false);
  const size = signal({ width: 0, height: 0 });
  /** @type {HTMLCanvasElement} */
  let canvas;
  /** @type {HTMLElement} */
  let probe;
  let frame = 0;
  const redraw = () => {
    cancelAnimationFrame(frame);
    frame = requestAnimationFrame(() => draw(canvas, untracked(data), { kind, unit, format, cursor: cursor.peek(),
      probe }));
  };
  const count = () => untracked(data).at.length;
  const point = (/** @type {PointerEvent} */ event) => {
    const x = event.offsetX - left;
    cursor.value = x < 0 || count() === 0 ? null : placeAt(x, canvas.clientWidth - left - right, count());
  };
  const pick = () => {
    const { at, bucketMilliseconds } = untracked(data);
    const index = cursor.peek();
    if (onPick && index !== null && at[index] !== undefined) onPick(at[index], at[index] + bucketMilliseconds);
  };
  const press = (/** @type {KeyboardEvent} */ event) => {
    const last = count() - 1;
    const now = cursor.peek() ?? last + 1;
    if (event.key === "ArrowLeft") cursor.value = Math.max(0, now - 1);
    else if (event.key === "ArrowRight") cursor.value = Math.min(last, now + (cursor.peek() === null ? -1 : 1));
    else if (event.key === "Home") cursor.value = 0;
    else if (event.key === "End") cursor.value = last;
    else if (event.key === "Enter" && onPick) pick();
    else if (event.key === "Escape" && cursor.peek() !== null) cursor.value = null;
    else return;
    event.preventDefault();
    event.stopPropagation();
  };
  const element = html`<figure class="chart">
    <figcaption class="chart-head"><h2>${title}</h2><span class="chart-legend">${() => data().series.map((one) =>
      html`<span class=${`chart-key tone-${one.tone}`}
        class:is-dashed=${one.isDashed ?? false}>${one.name}</span>`)}</span>
      <span class="grow"></span>
      <button type="button" class="icon-link" aria-pressed=${() => String(isTable.value)}
        @click=${() => { isTable.value = !isTable.peek(); }}>${() => (isTable.value ? "Chart" : "Table")}
          </button></figcaption>
    <div class="chart-place" hidden=${isTable}>
      <canvas class="chart-canvas" tabindex="0" role="img" aria-label=${() => `${title}: ${summary(data(),
        format)} Arrow keys read it.`}
        class:is-pickable=${Boolean(onPick)} ref=${(/** @type {any} */ made) => { canvas = made; }}
        @pointermove=${point} @pointerleave=${() => { cursor.value = null; }} @keydown=${press} @click=${pick}
        @blur=${() => { cursor.value = null; }}></canvas>
      <span class="chart-probe" aria-hidden="true" ref=${(/** @type {any} */ made) => { probe = made; }}></span>
      ${() => {
        const index = cursor.value;
        const { at, series, bucketMilliseconds } = data();
        if (index === null || at[index] === undefined) return null;
        const middle = left + ((index + 0.5) / at.length) * (size.value.width - left - right);
        return html`<div class="chart-tip" class:is-left=${middle > size.value.width / 2} style:--x=${`${middle}px`}
          role="status">
          <div class="muted">${span(at[index], bucketMilliseconds)}</div>
          ${series.map((one) => html`<div class="chart-tip-row"><span class=${`chart-key tone-${one.tone}`}
            class:is-dashed=${one.isDashed ?? false}>${one.name}</span><b class="num">${value(one.values[index],
              format)}</b></div>`)}
          ${onPick && pickTitle ? html`<div class="muted">${pickTitle}</div>` : null}</div>`;
      }}
    </div>
    ${() => (isTable.value ? table(title, data(), format) : null)}
  </figure>`;
  effect(() => {
    data();
    cursor.value;
    theme.value;
    isTable.value;
    size.value;
    queueMicrotask(redraw);
  });
  const observer = new ResizeObserver(() => { size.value = { width: canvas.clientWidth,
    height: canvas.clientHeight }; });
  queueMicrotask(() => observer.observe(canvas));
  const scheme = matchMedia("(prefers-color-scheme: dark)");
  scheme.addEventListener("change", redraw);
  onEnd(() => {
    observer.disconnect();
    scheme.removeEventListener("change", redraw);
    cancelAnimationFrame(frame);
  });
  return element;
}

export const chart = leaf("oc-chart", body);

/** @param {number | null | undefined} number @param {(value: number) => string} format */
const value = (number, format) => (number === null || number === undefined ? "–" : format(number));

/** @param {number} at @param {number} length */
function span(at, length) {
  const to = new Date(at + length);
  return `${day.format(at)}, ${clock.format(at)} – ${length >= 86_400_000 ? `${day.format(to)}, `
    : ""}${clock.format(to)}`;
}

/**
 * The chart in a sentence: for each series its greatest value.
 * @param {ChartData} data @param {(value: number) => string} format
 */
function summary(data, format) {
  return data.series.map((one) => {
    const max = greatest([one.values]);
    return `${one.name} at most ${format(max)}`;
  }).join(", ") + ".";
}

/** @param {string} title @param {ChartData} data @param {(value: number) => string} format */
function table(title, data, format) {
  const rows = data.at.map((at, index) => ({ at, index })).reverse();
  return html`<div class="table-wrap chart-table" tabindex="0" role="region" aria-label=${`${title} as a table`}>
    <table class="table"><thead><tr><th>From</th>${
    data.series.map((one) => html`<th class="is-number">${one.name}</th>`)}</tr></thead><tbody>${rows.map(({ at,
      index }) => html`<tr>
      <td title=${fullMoment(new Date(at).toISOString())}>${day.format(at)}, ${clock.format(at)}
        </td>${data.series.map((one) =>
        html`<td class="is-number">${value(one.values[index], format)}</td>`)}</tr>`)}</tbody></table></div>`;
}

/**
 * @param {HTMLCanvasElement} canvas @param {ChartData} data
 * @param {{kind: string, unit: "count" | "duration", format: (value: number) => string, cursor: number | null,
 *   probe: HTMLElement}} options
 */
function draw(canvas, data, { kind, unit, format, cursor, probe }) {
  const width = canvas.clientWidth;
  const height = canvas.clientHeight;
  if (width === 0 || height === 0) return;
  const ratio = devicePixelRatio || 1;
  canvas.width = Math.round(width * ratio);
  canvas.height = Math.round(height * ratio);
  const context = /** @type {CanvasRenderingContext2D} */ (canvas.getContext("2d"));
  context.scale(ratio, ratio);
  const plot = { width: width - left - right, height: height - top - bottom };
  const values = data.series.map((one) => one.values);
  const sums = kind === "bars" ? stacked(values) : values;
  const scale = marks(greatest(sums), Math.max(2, Math.floor(plot.height / 40)), unit);
  const max = scale[scale.length - 1];
  const y = (/** @type {number} */ one) => top + plot.height * (1 - one / max);
  const ink = colours(probe);
  context.font = "11px Inter, system-ui, sans-serif";
  context.textBaseline = "middle";
  axes(context, data, { scale, y, plot, ink, format, height });
  if (cursor !== null && data.at.length > 0) {
    const step = plot.width / data.at.length;
    context.fillStyle = ink("bg-3");
    context.fillRect(left + cursor * step, top, step, plot.height);
  }
  if (kind === "bars") bars(context, data, /** @type {number[][]} */ (sums), { y, plot, ink });
  else lines(context, data, { y, plot, ink });
}

/** @param {HTMLElement} probe @returns {(name: string) => string} The colour of a token in the present theme. */
function colours(probe) {
  const known = new Map();
  return (name) => {
    if (!known.has(name)) {
      probe.style.setProperty("color", `var(--${name})`);
      known.set(name, getComputedStyle(probe).color);
    }
    return known.get(name);
  };
}

/** @param {CanvasRenderingContext2D} context @param {ChartData} data @param {any} frame */
function axes(context, data, { scale, y, plot, ink, format, height }) {
  context.lineWidth = 1;
  context.textAlign = "right";
  for (const mark of scale) {
    const at = Math.round(y(mark)) + 0.5;
    context.strokeStyle = ink("line");
    context.beginPath();
    context.moveTo(left, at);
    context.lineTo(left + plot.width, at);
    context.stroke();
    context.fillStyle = ink("fg-2");
    context.fillText(mark === 0 ? "0" : format(mark).replace(/ 0 [smh]$/, "").replace(/\.0 /, " "), left - 8, at);
  }
  if (data.at.length === 0) return;
  const from = data.at[0];
  const to = data.at[data.at.length - 1] + data.bucketMilliseconds;
  const { step, list } = moments(from, to, Math.max(2, Math.floor(plot.width / 80)),
    -new Date(from).getTimezoneOffset() * 60_000);
  context.textAlign = "center";
  for (const moment of list) {
    const x = left + ((moment - from) / (to - from)) * plot.width;
    if (x < left + 12 || x > left + plot.width - 12) continue;
    const date = new Date(moment);
    const isDay = step >= 86_400_000 || (date.getHours() === 0 && date.getMinutes() === 0);
    context.fillText(isDay ? day.format(date) : clock.format(date), x, height - bottom / 2 + 2);
  }
}

/** @param {CanvasRenderingContext2D} context @param {ChartData} data @param {number[][]} sums @param {any} frame */
function bars(context, data, sums, { y, plot, ink }) {
  const step = plot.width / Math.max(1, data.at.length);
  const gap = step > 6 ? Math.min(3, step / 5) : 0.5;
  data.series.forEach((one, series) => {
    context.fillStyle = ink(`st-${one.tone}`);
    data.at.forEach((_, index) => {
      const above = y(sums[series][index]);
      const below = series === 0 ? y(0) : y(sums[series - 1][index]);
      // What is there can be seen, be it ever so little.
      if (below > above) context.fillRect(left + index * step + gap / 2, Math.min(above, below - 1), step - gap,
        Math.max(1, below - above));
    });
  });
}

/** @param {CanvasRenderingContext2D} context @param {ChartData} data @param {any} frame */
function lines(context, data, { y, plot, ink }) {
  const step = plot.width / Math.max(1, data.at.length);
  context.lineJoin = "round";
  for (const one of data.series) {
    context.strokeStyle = ink(`st-${one.tone}`);
    context.fillStyle = context.strokeStyle;
    context.lineWidth = 1.6;
    context.setLineDash(one.isDashed ? [4, 3] : []);
    context.beginPath();
    let isOpen = false;
    one.values.forEach((number, index) => {
      const x = left + (index + 0.5) * step;
      if (number === null) {
        isOpen = false;
        return;
      }
      if (isOpen) context.lineTo(x, y(number));
      else context.moveTo(x, y(number));
      // A value without neighbours is a point.
      const isAlone = !isOpen && (one.values[index + 1] ?? null) === null;
      if (isAlone) context.fillRect(x - 2, y(number) - 2, 4, 4);
      isOpen = true;
    });
    context.stroke();
    context.setLineDash([]);
  }
}
