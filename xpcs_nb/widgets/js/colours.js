// From codes of an image to colours: one table for each way a pixel may be marked.

import { decoder } from "./codec.js";

export const CODES = 65536;

export function parseColour(text) {
  const value = parseInt(text.slice(1), 16);
  return [(value >> 16) & 255, (value >> 8) & 255, value & 255];
}

export function packed(r, g, b) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

export function mix(colour, other, part) {
  const r = (colour & 255) * (1 - part) + other[0] * part;
  const g = ((colour >> 8) & 255) * (1 - part) + other[1] * part;
  const b = ((colour >> 16) & 255) * (1 - part) + other[2] * part;
  return packed(r, g, b);
}

// Limits that leave out the darkest and the brightest pixels that are used.
export function automaticLimits(image, flags, percentiles, log) {
  const counts = new Uint32Array(CODES);
  const { codes } = image;
  // A million pixels tell as much as all of them; the odd step meets every column.
  const step = Math.floor(codes.length / 1e6) | 1;
  for (let i = 0; i < codes.length; i += step) counts[flags[i] ? 0 : codes[i]]++;
  const value = decoder(image.code);
  let first = 1;
  if (log) while (first < CODES && !(value(first) > 0)) first++;
  let total = 0;
  for (let c = first; c < CODES; c++) total += counts[c];
  if (total === 0) return log ? [1, 10] : [0, 1];
  const at = (share) => {
    let left = Math.min(Math.max(share * total, 1), total);
    for (let c = first; c < CODES; c++) if ((left -= counts[c]) <= 0) return value(c);
    return value(CODES - 1);
  };
  const low = at(percentiles[0] / 100);
  const high = at(percentiles[1] / 100);
  return high > low ? [low, high] : [log ? low / 2 : low - 0.5, log ? low * 2 : low + 0.5];
}

const NO_DATA = packed(150, 150, 150);

// Codes to colours (ABGR words): values below the limits take the first colour, above them the last.
export function colourTable(image, table, limits, log) {
  const words = new Uint32Array(CODES);
  const value = decoder(image.code);
  const steps = new Uint32Array(256);
  for (let i = 0; i < 256; i++) steps[i] = packed(table[3 * i], table[3 * i + 1], table[3 * i + 2]);
  const low = log ? Math.log(limits[0]) : limits[0];
  const scale = 255.999 / ((log ? Math.log(limits[1]) : limits[1]) - low);
  for (let c = 0; c < CODES; c++) {
    const v = value(c);
    if (Number.isNaN(v)) words[c] = NO_DATA;
    else {
      const place = ((log ? (v > 0 ? Math.log(v) : -Infinity) : v) - low) * scale;
      words[c] = steps[place > 0 ? (place < 255 ? place | 0 : 255) : 0];
    }
  }
  return words;
}

// The colours of one kind of mark, written behind those of the others.
export function writeMarked(words, plain, place, colour, opacity) {
  const start = place * CODES;
  for (let c = 0; c < CODES; c++) words[start + c] = mix(plain[c], colour, opacity);
}
