// What of a picture is seen: its scale and place, zoomed at a point, fitted, brought to a node. Pure.
// @ts-check

/**
 * @typedef {{x: number, y: number, scale: number}} View A point of the picture stands at `x + scale × point`.
 * @typedef {{width: number, height: number}} Size
 */

export const scaleMin = 0.02;
export const scaleMax = 3;

/** @param {number} scale */
const bounded = (scale) => Math.min(scaleMax, Math.max(scaleMin, scale));

/**
 * The whole picture in the middle; a small one at its own size, never blown up.
 * @param {Size} picture
 * @param {Size} place
 * @param {number} [margin]
 * @returns {View}
 */
export function fit(picture, place, margin = 24) {
  const width = Math.max(1, place.width - 2 * margin);
  const height = Math.max(1, place.height - 2 * margin);
  const scale = bounded(Math.min(1, width / Math.max(1, picture.width), height / Math.max(1, picture.height)));
  return {
    scale, x: (place.width - picture.width * scale) / 2,
    y: picture.height * scale < height ? Math.max(margin, (place.height - picture.height * scale) / 2) : margin,
  };
}

/**
 * Zoomed by a factor; what is at the point stays there.
 * @param {View} view
 * @param {number} factor
 * @param {number} x
 * @param {number} y
 * @returns {View}
 */
export function zoomAt(view, factor, x, y) {
  const scale = bounded(view.scale * factor);
  const by = scale / view.scale;
  return { scale, x: x - (x - view.x) * by, y: y - (y - view.y) * by };
}

/**
 * Moved as little as needed for a node to be wholly seen, at a scale at which it can be read.
 * @param {View} view
 * @param {{x: number, y: number, width: number, height: number}} node
 * @param {Size} place
 * @param {{isCentred?: boolean, readable?: number}} [options] `readable` is the least scale.
 * @returns {View}
 */
export function reveal(view, node, place, options = {}) {
  const scale = Math.max(view.scale, options.readable ?? 0);
  if (options.isCentred || scale !== view.scale) {
    return {
      scale, x: place.width / 2 - (node.x + node.width / 2) * scale,
        y: place.height / 2 - (node.y + node.height / 2) * scale,
    };
  }
  const margin = 16;
  const left = view.x + node.x * scale;
  const top = view.y + node.y * scale;
  const right = left + node.width * scale;
  const bottom = top + node.height * scale;
  const shift = (/** @type {number} */ low, /** @type {number} */ high, /** @type {number} */ size) =>
    (low < margin ? margin - low : high > size - margin ? size - margin - high : 0);
  return { scale, x: view.x + shift(left, right, place.width), y: view.y + shift(top, bottom, place.height) };
}

/**
 * The node to go to from another with an arrow key: the nearest in that direction, straight ahead before aside.
 * @template {{id: string, x: number, y: number, width: number, height: number}} N
 * @param {N[]} nodes
 * @param {N} from
 * @param {"up" | "down" | "left" | "right"} direction
 * @returns {N | null}
 */
export function neighbour(nodes, from, direction) {
  const isSideways = direction === "left" || direction === "right";
  const sign = direction === "right" || direction === "down" ? 1 : -1;
  const middle = (/** @type {N} */ node) => ({ x: node.x + node.width / 2, y: node.y + node.height / 2 });
  const own = middle(from);
  let best = null;
  let least = Infinity;
  for (const node of nodes) {
    if (node === from) continue;
    const other = middle(node);
    const ahead = sign * (isSideways ? other.x - own.x : other.y - own.y);
    const aside = Math.abs(isSideways ? other.y - own.y : other.x - own.x);
    if (ahead < 1) continue;
    const distance = ahead + (isSideways ? 8 : 2) * aside;
    if (distance < least) {
      least = distance;
      best = node;
    }
  }
  return best;
}

/**
 * The way of an edge as an SVG path: through its points, bent only downwards so that ways do not tangle.
 * @param {[number, number][]} points
 */
export function way(points) {
  if (points.length === 0) return "";
  let text = `M${points[0][0]} ${points[0][1]}`;
  for (let index = 1; index < points.length; index += 1) {
    const [x0, y0] = points[index - 1];
    const [x1, y1] = points[index];
    if (x0 === x1 || y0 === y1) text += `L${x1} ${y1}`;
    else {
      const middle = (y0 + y1) / 2;
      text += `C${x0} ${middle} ${x1} ${middle} ${x1} ${y1}`;
    }
  }
  return text;
}
