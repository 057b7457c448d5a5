// What a model shows, kept once for all its views: the image, what marks its pixels, and who wants to know.

import { bytesOf, decodeDifferences, decoder, writeBits } from "./codec.js";
import { CODES, automaticLimits, colourTable, parseColour, writeMarked } from "./colours.js";

// Bits of `flags`, the strongest last.
export const FLAGS = { mask: 1, blemish: 2, preview: 4 };

export class Scene {
  constructor(model) {
    this.model = model;
    this.image = null;
    this.flags = new Uint8Array(0);
    this.labels = {};
    this.maps = {};
    this.markers = [];
    this.outlines = [];
    this.tables = { names: [], bytes: new Uint8Array(0) };
    this.listeners = new Set();
    this.latest = {};
    this.marks = new Set();
    this.tints = null;
    this.automatic = null;
    for (const name of ["color_map", "log", "limits", "percentiles"]) model.on(`change:${name}`, () => this.recolour());
    model.on("change:layers", () => this.recolour(false));
  }

  changed(what, box = null) {
    for (const listener of this.listeners) listener(what, box);
  }

  // Limits and tables are made when something is painted with them.
  recolour(limits = true) {
    if (limits) this.automatic = null;
    this.tints = null;
    this.changed("colours");
  }

  async receive(message, buffers) {
    const take = this[`take_${message.type}`];
    if (take) await take.call(this, message, buffers);
  }

  // Several messages that came as one. What has to be decoded is waited for by none of the others.
  take_together({ parts }, buffers) {
    let begin = 0;
    for (const part of parts) this.receive(part, buffers.slice(begin, (begin += part.buffers)));
  }

  take_colours(message, buffers) {
    this.tables = { names: message.names, bytes: bytesOf(buffers[0]) };
    this.recolour();
    this.changed("tables");
  }

  take_image(message, buffers) {
    const { rows, columns } = message;
    const other = !this.image || this.image.rows !== rows || this.image.columns !== columns;
    const codes = new Uint16Array(bytesOf(buffers[0]).buffer);
    this.image = { ...message, codes, value: decoder(message.code) };
    if (other) {
      this.flags = new Uint8Array(rows * columns);
      this.labels = {};
      this.maps = {};
    }
    this.automatic = null;
    this.tints = null;
    this.changed(other ? "size" : "image");
  }

  take_flags(message, buffers) {
    if (!this.image) return;
    const known = this.marks.size;
    this.marks.add(message.name);
    writeBits(this.flags, this.image.columns, message.box, bytesOf(buffers[0]), FLAGS[message.name]);
    this.changed(this.marks.size > known ? "layers" : "flags", message.box);
  }

  async take_labels(message, buffers) {
    const kept = await this.decoded("labels", message, buffers);
    if (kept) this.changed("labels");
  }

  async take_map(message, buffers) {
    const kept = await this.decoded("maps", message, buffers);
    if (kept) this.changed("maps");
  }

  // Decoding takes a while; what was sent last for a name is what counts.
  async decoded(where, message, buffers) {
    const key = `${where} ${message.name}`;
    const turn = (this.latest[key] = (this.latest[key] ?? 0) + 1);
    if (message.removed) delete this[where][message.name];
    else {
      const codes = await decodeDifferences(buffers[0], message.columns, message.wide);
      if (turn !== this.latest[key] || !this.image || codes.length !== this.flags.length) return false;
      this[where][message.name] = { ...message, codes, value: message.code && decoder(message.code) };
    }
    return true;
  }

  take_markers(message) {
    this.markers = message.markers;
    this.changed("shapes");
  }

  take_outlines(message) {
    this.outlines = message.outlines;
    this.changed("shapes");
  }

  // Whether there is anything that a layer could show.
  has(name) {
    return name in this.labels || (name in FLAGS && this.marks.has(name));
  }

  layer(name) {
    return this.model.get("layers")[name] ?? { on: false, opacity: 1, colour: "#ffffff" };
  }

  get limits() {
    const [low, high] = this.model.get("limits") ?? [null, null];
    const log = this.model.get("log");
    const known = low !== null && high !== null;
    if (!known && this.image && !this.automatic)
      this.automatic = automaticLimits(this.image, this.flags, this.model.get("percentiles"), log);
    const found = this.automatic ?? [1, 10];
    return [low ?? found[0], high ?? found[1]];
  }

  // Colours of each code, for each combination of flags; the strongest flag of a pixel counts.
  get colours() {
    if (this.tints) return this.tints;
    const at = Math.max(this.tables.names.indexOf(this.model.get("color_map")), 0);
    const table = this.tables.bytes.subarray(768 * at, 768 * (at + 1));
    const log = this.model.get("log");
    let [low, high] = this.limits;
    if (log) [low, high] = [Math.max(low, 1e-30), Math.max(high, 2e-30)];
    if (!(high > low)) high = log ? low * 1.001 : low + 1e-9;
    const plain = colourTable(this.image, table, [low, high], log);
    const words = new Uint32Array(8 * CODES);
    for (let flags = 0; flags < 8; flags++) {
      const strongest = Object.keys(FLAGS).filter((name) => flags & FLAGS[name] && this.layer(name).on).pop();
      const layer = strongest && this.layer(strongest);
      if (layer) writeMarked(words, plain, flags, parseColour(layer.colour), layer.opacity);
      else words.set(plain, flags * CODES);
    }
    return (this.tints = words);
  }

  // What is known of a pixel: name, value, unit.
  describe(column, row) {
    const { image } = this;
    if (!image || column < 0 || row < 0 || column >= image.columns || row >= image.rows) return [];
    const at = row * image.columns + column;
    const along = (axis, place) => (axis ? axis.first + place * axis.step : place);
    const said = [
      [image.x?.name ?? "x", along(image.x, column), image.x?.unit ?? ""],
      [image.y?.name ?? "y", along(image.y, row), image.y?.unit ?? ""],
      [image.name, image.value(image.codes[at]), image.unit],
    ];
    for (const map of Object.values(this.maps)) said.push([map.name, map.value(map.codes[at]), map.unit]);
    for (const map of Object.values(this.labels)) said.push([map.title, map.codes[at] || "none", ""]);
    const flags = this.flags[at];
    if (flags & (FLAGS.mask | FLAGS.blemish)) said.push(["", flags & FLAGS.blemish ? "blemish" : "masked", ""]);
    return said;
  }
}
