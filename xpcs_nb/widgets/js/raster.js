// Paints what is seen, screen pixel by screen pixel: the cost is that of the screen, not that of the detector.

import { mix, packed, parseColour } from "./colours.js";

const DARK = [20, 20, 20];
const OUTSIDE = packed(96, 96, 96);

// The image row or column under each screen row or column, -1 outside.
function places(count, size, toImage) {
  const found = new Int32Array(count);
  for (let s = 0; s < count; s++) {
    const place = Math.round(toImage(s));
    found[s] = place >= 0 && place < size ? place : -1;
  }
  return found;
}

export function paint(scene, viewport, words, width, height, density) {
  if (!scene.image) return;
  const { rows, columns, codes } = scene.image;
  const { flags, colours } = scene;
  const column = places(width, columns, (s) => viewport.toImage((s + 0.5) / density, 0)[0]);
  const row = places(height, rows, (s) => viewport.toImage(0, (s + 0.5) / density)[1]);
  for (let sy = 0, at = 0; sy < height; sy++) {
    const start = row[sy] * columns;
    if (start < 0) {
      words.fill(OUTSIDE, at, at + width);
      at += width;
      continue;
    }
    for (let sx = 0; sx < width; sx++, at++) {
      const x = column[sx];
      words[at] = x < 0 ? OUTSIDE : colours[(flags[start + x] << 16) | codes[start + x]];
    }
  }
  for (const name of Object.keys(scene.labels).sort().reverse()) {
    const layer = scene.layer(name);
    if (layer.on) paintBorders(scene.labels[name].codes, layer, { column, row, columns, words, width, height });
  }
}

// A light border on a light ground is drawn dark.
function contrasting(ground, colour) {
  const light = ((ground & 255) * 2 + ((ground >> 8) & 255) * 5 + ((ground >> 16) & 255)) / 8 > 165;
  return light && colour[0] + colour[1] + colour[2] > 500 ? DARK : colour;
}

// A border is where the label changes from one screen pixel to the next, so it is one pixel wide at any zoom.
function paintBorders(labels, layer, { column, row, columns, words, width, height }) {
  const colour = parseColour(layer.colour);
  let above = new Int32Array(width);
  let here = new Int32Array(width);
  for (let sy = 0; sy < height; sy++) {
    const start = row[sy] * columns;
    for (let sx = 0; sx < width; sx++) {
      const label = start < 0 || column[sx] < 0 ? 0 : labels[start + column[sx]];
      here[sx] = label;
      if ((sx > 0 && label !== here[sx - 1]) || (sy > 0 && label !== above[sx])) {
        const at = sy * width + sx;
        words[at] = mix(words[at], contrasting(words[at], colour), layer.opacity);
      }
    }
    [above, here] = [here, above];
  }
}
