// Paints what is seen, screen pixel by screen pixel: the cost is that of the screen, not that of the detector.

import { mix, packed, parseColour } from "./colours.js";

const DARK = [20, 20, 20];
const OUTSIDE = packed(96, 96, 96);

// The image row or column under each screen row or column from `first` on, -1 outside.
function places(first, count, size, toImage) {
  const found = new Int32Array(count);
  for (let i = 0; i < count; i++) {
    const place = Math.round(toImage(first + i));
    found[i] = place >= 0 && place < size ? place : -1;
  }
  return found;
}

// `part`: the words of the canvas and its width, and x, y, w, h of what is painted of it. The places begin one before.
export function paint(scene, viewport, part, density) {
  const { rows, columns, codes } = scene.image;
  const { flags, colours } = scene;
  const { words, width, x, y, w, h } = part;
  const column = places(x - 1, w + 1, columns, (s) => viewport.toImage((s + 0.5) / density, 0)[0]);
  const row = places(y - 1, h + 1, rows, (s) => viewport.toImage(0, (s + 0.5) / density)[1]);
  for (let j = 0; j < h; j++) {
    const start = row[j + 1] * columns;
    const to = (y + j) * width + x;
    if (start < 0) {
      words.fill(OUTSIDE, to, to + w);
      continue;
    }
    for (let i = 0; i < w; i++) {
      const at = start + column[i + 1];
      words[to + i] = column[i + 1] < 0 ? OUTSIDE : colours[(flags[at] << 16) | codes[at]];
    }
  }
  for (const name of Object.keys(scene.labels).sort().reverse()) {
    const layer = scene.layer(name);
    if (layer.on) paintBorders(scene.labels[name].codes, layer, { column, row, columns, ...part });
  }
}

// A light border on a light ground is drawn dark.
function contrasting(ground, colour) {
  const light = ((ground & 255) * 2 + ((ground >> 8) & 255) * 5 + ((ground >> 16) & 255)) / 8 > 165;
  return light && colour[0] + colour[1] + colour[2] > 500 ? DARK : colour;
}

// A border is where the label changes from one screen pixel to the next, so it is one pixel wide at any zoom.
function paintBorders(labels, layer, { column, row, columns, words, width, x, y, w, h }) {
  const colour = parseColour(layer.colour);
  let above = new Int32Array(w + 1);
  let here = new Int32Array(w + 1);
  for (let j = 0; j <= h; j++) {
    const start = row[j] * columns;
    const to = (y + j - 1) * width + x - 1;
    for (let i = 0; i <= w; i++) {
      const label = start < 0 || column[i] < 0 ? 0 : labels[start + column[i]];
      here[i] = label;
      if (i > 0 && j > 0 && (label !== here[i - 1] || label !== above[i]))
        words[to + i] = mix(words[to + i], contrasting(words[to + i], colour), layer.opacity);
    }
    [above, here] = [here, above];
  }
}
