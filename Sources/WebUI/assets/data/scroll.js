// Which rows a scrolled place shows, for more rows than a browser can lay out below each other. Pure.
// @ts-check

/** Browsers stop at some 16 to 33 million pixels; below this, a place is exact. */
export const heightMax = 12_000_000;

/**
 * @typedef {{rows: number, rowHeight: number, view: number}} Extent Rows, the height of one, the height that is seen.
 * @typedef {{row: number, offset: number}} Anchor The first row that is seen, and how much of it is above the edge.
 */

/**
 * The height that is laid out.
 * @param {Extent} extent
 */
export const heightOf = ({ rows, rowHeight, view }) => Math.max(view, Math.min(heightMax, rows * rowHeight));

/**
 * Whether a pixel scrolled is a pixel of the rows.
 * @param {Extent} extent
 */
export const isExact = ({ rows, rowHeight }) => rows * rowHeight <= heightMax;

/**
 * What a scrolled place shows.
 * @param {Extent} extent @param {number} top
 * @returns {Anchor}
 */
export function anchorAt(extent, top) {
  const { rows, rowHeight, view } = extent;
  const most = rows * rowHeight - view;
  if (most <= 0) return { row: 0, offset: 0 };
  const way = heightOf(extent) - view;
  const place = Math.max(0, Math.min(most, isExact(extent) ? top : (top / way) * most));
  const row = Math.floor(place / rowHeight);
  return { row, offset: place - row * rowHeight };
}

/**
 * Where to scroll for a row to be the first that is seen.
 * @param {Extent} extent @param {Anchor} anchor
 */
export function topOf(extent, { row, offset }) {
  const { rows, rowHeight, view } = extent;
  const most = rows * rowHeight - view;
  if (most <= 0) return 0;
  const place = Math.max(0, Math.min(most, row * rowHeight + offset));
  return isExact(extent) ? place : (place / most) * (heightOf(extent) - view);
}

/**
 * The anchor moved by a few pixels, over rows whose heights are known or guessed.
 * @param {Anchor} anchor @param {number} pixels @param {(row: number) => number} heightOfRow @param {number} rows
 * @returns {Anchor}
 */
export function moved({ row, offset }, pixels, heightOfRow, rows) {
  let place = offset + pixels;
  while (place < 0 && row > 0) {
    row -= 1;
    place += heightOfRow(row);
  }
  while (row < rows - 1 && place >= heightOfRow(row)) {
    place -= heightOfRow(row);
    row += 1;
  }
  return { row, offset: Math.max(0, place) };
}
