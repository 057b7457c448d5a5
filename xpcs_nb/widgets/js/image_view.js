// A view of an image: the canvas, what is drawn over it, and the controls around it.

import { displayBar } from "./bar.js";
import { element } from "./dom.js";
import { keepKeys } from "./keys.js";
import { Hand, Pointer } from "./pointer.js";
import { paint } from "./raster.js";
import { Readout } from "./readout.js";
import { Scene } from "./scene.js";
import { drawVectors } from "./vectors.js";
import { Viewport } from "./viewport.js";

// Screen pixels that are painted within a frame's time; on finer screens the image (not the lines) is coarser.
const MOST = 1.2e6;

function setSize(canvas, width, height, density) {
  canvas.width = Math.round(width * density);
  canvas.height = Math.round(height * density);
}

// Keys that a field, a list or a button has a use for of its own.
function isForControl(event) {
  if (event.target.closest("input, select, textarea, summary")) return true;
  return event.target.closest("button") !== null && (event.key === "Enter" || event.key === " ");
}

export class View {
  constructor(model, scene) {
    this.model = model;
    this.scene = scene;
    this.viewport = new Viewport(model.get("origin") === "lower");
    this.hand = new Hand(this);
    this.readout = new Readout(scene);
    this.canvas = element("canvas", { class: "xnb-canvas" });
    this.vectors = element("canvas", { class: "xnb-canvas" });
    this.stage = element(
      "div",
      { class: "xnb-stage", tabindex: "0", role: "application", "aria-label": model.get("label") },
      this.canvas,
      this.vectors,
    );
    this.notice = element("div", { class: "xnb-notice" }, "No image: run the cell that made this view.");
    this.stage.append(this.notice);
    this.bar = displayBar(this);
    this.root = element("div", { class: "xnb-view" });
    keepKeys();
    this.root.append(this.bar.root, this.stage, this.readout.root);
    this.stale = { image: true, vectors: true };
    this.pending = 0;
    this.use(this.hand);
    this.pointer = new Pointer(this.stage, this);
    this.listen();
  }

  listen() {
    this.stop = [];
    const on = (name, call) => {
      this.model.on(name, call);
      this.stop.push(() => this.model.off(name, call));
    };
    const hear = (what, box) => this.hear(what, box);
    this.scene.listeners.add(hear);
    this.stop.push(() => this.scene.listeners.delete(hear));
    on("change:height", () => this.resize());
    on("change:label", () => this.stage.setAttribute("aria-label", this.model.get("label")));
    on("msg:custom", (message) => this.told(message));
    const size = new ResizeObserver(() => this.resize());
    size.observe(this.stage);
    this.stop.push(() => size.disconnect());
    this.root.addEventListener("keydown", (event) => {
      if (!isForControl(event)) this.key(event);
    });
    this.hear("size");
  }

  remove() {
    for (const each of this.stop) each();
    cancelAnimationFrame(this.pending);
  }

  use(tool) {
    this.tool?.leave?.();
    this.tool = tool;
    this.stage.style.cursor = tool.cursor ?? "crosshair";
    this.repaint("vectors");
  }

  hear(what, box = null) {
    if (what === "flags") return this.paintBox(box);
    const { image } = this.scene;
    this.notice.hidden = image !== null;
    if (what === "size" && image) {
      this.viewport.setFrame(image.rows, image.columns);
      this.resize();
    }
    if (what !== "shapes") this.bar.update();
    this.readout.update();
    this.repaint(what === "shapes" ? "vectors" : "image");
  }

  told(message) {
    if (message.type !== "show") return;
    if (message.box) this.viewport.show(...message.box);
    else this.viewport.fit();
    this.repaint("view");
  }

  resize() {
    const { image } = this.scene;
    this.stage.style.height = `${this.model.get("height")}px`;
    const { clientWidth: width, clientHeight: height } = this.stage;
    if (width === 0 || height === 0) return;
    this.sharpness = window.devicePixelRatio || 1;
    this.density = Math.min(this.sharpness, Math.max(Math.sqrt(MOST / (width * height)), 0.5));
    setSize(this.canvas, width, height, this.density);
    setSize(this.vectors, width, height, this.sharpness);
    this.pixels = null;
    if (image) this.viewport.resize(width, height);
    this.paintNow();
  }

  // "vectors": the image under them stays. "view": the image is the same, another part of it is seen.
  repaint(what = "image") {
    this.stale.vectors = true;
    if (what !== "vectors") this.stale.image = true;
    if (what === "image") this.shown = null;
    if (!this.pending) this.pending = requestAnimationFrame(() => this.paintNow());
  }

  paintNow() {
    cancelAnimationFrame(this.pending);
    this.pending = 0;
    if (!this.scene.image || !this.density || !this.canvas.width) return;
    if (this.stale.image || !this.pixels) this.paintImage();
    this.paintVectors();
    this.root.dispatchEvent(new CustomEvent("xnb-painted", { detail: { ...this.stale } }));
    this.stale = { image: false, vectors: false };
  }

  paintImage(part = null) {
    const { width, height } = this.canvas;
    const context = this.canvas.getContext("2d", { alpha: false });
    const all = { x: 0, y: 0, w: width, h: height };
    if (!this.pixels) {
      this.pixels = context.createImageData(width, height);
      this.shown = null;
    }
    const words = new Uint32Array(this.pixels.data.buffer);
    const parts = part ? [part] : (this.moved(words) ?? [all]);
    for (const each of parts) paint(this.scene, this.viewport, { words, width, ...each }, this.density);
    const { x, y, w, h } = part ?? all;
    context.putImageData(this.pixels, 0, 0, x, y, w, h);
    const { scale, left, top, flipped } = this.viewport;
    this.shown = { scale, left, top, flipped };
  }

  // Moves what is painted along with the image, and returns the parts that came into view; null if all has to be painted.
  moved(words) {
    const { scale, left, top, flipped } = this.viewport;
    if (!this.shown || this.shown.scale !== scale) return null;
    const steps = [this.shown.left - left, flipped ? top - this.shown.top : this.shown.top - top];
    const [dx, dy] = steps.map((step) => Math.round(step * scale * this.density));
    const whole = [dx, dy].every((step, i) => Math.abs(step - steps[i] * scale * this.density) < 1e-3);
    const { width, height } = this.canvas;
    if (!whole || Math.abs(dx) >= width || Math.abs(dy) >= height) return null;
    const by = dy * width + dx;
    words.copyWithin(Math.max(by, 0), Math.max(-by, 0), words.length + Math.min(-by, 0));
    return [
      { x: dx > 0 ? 0 : width + dx, y: 0, w: Math.abs(dx), h: height },
      { x: 0, y: dy > 0 ? 0 : height + dy, w: width, h: Math.abs(dy) },
    ].filter(({ w, h }) => w > 0 && h > 0);
  }

  // What changed in a box of the image is painted now, not with the next frame: a pen waits for it.
  paintBox(box) {
    this.readout.update();
    if (this.stale.image || !this.pixels || !this.scene.image) return this.repaint();
    const part = this.onCanvas(box);
    if (part.w > 0 && part.h > 0) this.paintImage(part);
    this.root.dispatchEvent(new CustomEvent("xnb-painted", { detail: { image: true, vectors: false } }));
  }

  // Pixels of the canvas over a box of the image; the next ones too, whose border to it may be drawn.
  onCanvas([top, left, height, width]) {
    const corners = [[left - 0.5, top - 0.5], [left + width - 0.5, top + height - 0.5]];
    const [[ax, ay], [bx, by]] = corners.map(([x, y]) => this.viewport.toScreen(x, y).map((part) => part * this.density));
    const within = (place, most) => Math.min(Math.max(place, 0), most);
    const [x, y] = [within(Math.floor(ax) - 1, this.canvas.width), within(Math.floor(Math.min(ay, by)) - 1, this.canvas.height)];
    const w = within(Math.ceil(bx) + 1, this.canvas.width) - x;
    const h = within(Math.ceil(Math.max(ay, by)) + 1, this.canvas.height) - y;
    return { x, y, w, h };
  }

  paintVectors() {
    const context = this.vectors.getContext("2d");
    context.setTransform(1, 0, 0, 1, 0, 0);
    context.clearRect(0, 0, this.vectors.width, this.vectors.height);
    context.scale(this.sharpness, this.sharpness);
    drawVectors(this, context);
    this.drawMore?.(context);
  }

  pick(point) {
    const [x, y] = [Math.round(point.x), Math.round(point.y)];
    const { rows, columns } = this.scene.image ?? { rows: 0, columns: 0 };
    if (x < 0 || y < 0 || x >= columns || y >= rows) return;
    this.model.send({ type: "pick", x: point.x, y: point.y });
  }

  key(event) {
    const steps = { ArrowLeft: [1, 0], ArrowRight: [-1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.key === "+" || event.key === "=") this.viewport.zoom(1.5);
    else if (event.key === "-") this.viewport.zoom(1 / 1.5);
    else if (event.key === "0") this.viewport.fit();
    else if (event.key in steps) this.viewport.pan(...steps[event.key].map((part) => 40 * part));
    else return;
    event.preventDefault();
    this.repaint("view");
  }
}

// One scene for all views of a model; it asks for what it shows when it is there.
export function definition(makeView, makeScene) {
  return () => {
    let scene = null;
    return {
      initialize({ model }) {
        scene = makeScene(model);
        model.on("msg:custom", (message, buffers) => scene.receive(message, buffers));
        model.send({ type: "ready" });
      },
      render({ model, el }) {
        const view = makeView(model, scene);
        el.append(view.root);
        return () => view.remove();
      },
    };
  };
}

export default definition(
  (model, scene) => new View(model, scene),
  (model) => new Scene(model),
);
