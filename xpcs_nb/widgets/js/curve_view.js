// Panels with curves on one canvas: drawn at once, read out and zoomed without the kernel.

import { CurvePanel } from "./curve_panel.js";
import { element, formatNumber } from "./dom.js";

class CurveScene {
  constructor() {
    this.panels = [];
    this.listeners = new Set();
  }

  told(message, buffers) {
    if (message.type !== "panels") return;
    const raw = buffers[0];
    // A copy: buffers of messages may lie at any address.
    const bytes = new Uint8Array(raw.buffer ?? raw, raw.byteOffset ?? 0, raw.byteLength).slice();
    const numbers = new Float64Array(bytes.buffer, 0, Math.floor(bytes.byteLength / 8));
    let at = 0;
    const take = (n) => numbers.subarray(at, (at += n));
    this.panels = message.panels.map((panel) => {
      const curves = panel.curves.map((curve) => ({ ...curve, x: take(curve.n), y: take(curve.n), err: curve.err ? take(curve.n) : null }));
      return new CurvePanel({ ...panel, curves });
    });
    for (const call of this.listeners) call();
  }
}

class CurvePage {
  constructor(model, scene) {
    this.model = model;
    this.scene = scene;
    this.canvas = element("canvas", { role: "img", tabindex: "0", "aria-label": model.get("label") });
    this.readout = element("div", { class: "xnb-readout xnb-curve-readout" });
    this.root = element("div", { class: "xnb-view xnb-curves" }, this.canvas, this.readout);
    this.drag = null;
    this.pending = 0;
    this.repaint = this.repaint.bind(this);
    scene.listeners.add(this.repaint);
    this.size = new ResizeObserver(this.repaint);
    this.size.observe(this.root);
    for (const name of ["height", "columns"]) model.on(`change:${name}`, this.repaint);
    this.canvas.addEventListener("pointermove", (event) => this.moved(event));
    this.canvas.addEventListener("pointerdown", (event) => this.pressed(event));
    this.canvas.addEventListener("pointerup", (event) => this.released(event));
    this.canvas.addEventListener("dblclick", (event) => this.whole(event));
    this.repaint();
  }

  remove() {
    this.scene.listeners.delete(this.repaint);
    this.size.disconnect();
    for (const name of ["height", "columns"]) this.model.off(`change:${name}`, this.repaint);
    cancelAnimationFrame(this.pending);
  }

  repaint() {
    cancelAnimationFrame(this.pending);
    this.pending = requestAnimationFrame(() => this.draw());
  }

  draw() {
    const width = this.root.clientWidth;
    const height = this.model.get("height");
    if (!width) return;
    const ratio = window.devicePixelRatio || 1;
    this.canvas.width = Math.round(width * ratio);
    this.canvas.height = Math.round(height * ratio);
    this.canvas.style.height = `${height}px`;
    const pen = this.canvas.getContext("2d");
    pen.scale(ratio, ratio);
    const style = getComputedStyle(this.root);
    const colours = { text: style.color, axis: style.color, faint: style.getPropertyValue("--jp-ui-font-color2") || "#777" };
    const { panels } = this.scene;
    const columns = this.model.get("columns") || Math.min(Math.ceil(Math.sqrt(panels.length)), 6) || 1;
    const rows = Math.ceil(panels.length / columns) || 1;
    panels.forEach((panel, number) => {
      panel.place((number % columns) * (width / columns), Math.floor(number / columns) * (height / rows), width / columns, height / rows);
      panel.draw(pen, colours);
    });
    this.canvas.dataset.curves = panels.reduce((sum, panel) => sum + panel.curves.length, 0);
    this.canvas.dataset.panels = panels.length;
    this.canvas.dataset.title = panels[0]?.title ?? "";
    this.canvas.dataset.drawn = String(Number(this.canvas.dataset.drawn ?? 0) + 1);
    if (this.drag?.to) this.band(pen, colours);
  }

  band(pen, colours) {
    const { from, to } = this.drag;
    pen.strokeStyle = colours.text;
    pen.setLineDash([4, 3]);
    pen.strokeRect(from.x, from.y, to.x - from.x, to.y - from.y);
    pen.setLineDash([]);
  }

  at(event) {
    const box = this.canvas.getBoundingClientRect();
    return { x: event.clientX - box.left, y: event.clientY - box.top };
  }

  panelAt({ x, y }) { return this.scene.panels.find((panel) => panel.cell && panel.inside(x, y)); }

  moved(event) {
    const place = this.at(event);
    if (this.drag) {
      this.drag.to = place;
      this.repaint();
      return;
    }
    const panel = this.panelAt(place);
    const found = panel?.nearest(place.x, place.y);
    if (!found) {
      this.readout.textContent = "";
      return;
    }
    const err = found.err === null ? "" : ` ± ${formatNumber(found.err)}`;
    const parts = [panel.title, found.label, `${panel.xlabel || "x"}: ${formatNumber(found.x)}`, `${panel.ylabel || "y"}: ${formatNumber(found.y)}${err}`];
    this.readout.textContent = parts.filter(Boolean).join("   ");
  }

  pressed(event) {
    const place = this.at(event);
    const panel = this.panelAt(place);
    if (!panel || event.button !== 0) return;
    this.drag = { from: place, panel };
    this.canvas.setPointerCapture(event.pointerId);
  }

  released(event) {
    if (!this.drag) return;
    const { from, panel } = this.drag;
    const to = this.at(event);
    this.drag = null;
    if (Math.abs(to.x - from.x) < 5 && Math.abs(to.y - from.y) < 5) {
      this.model.send({ type: "pick", panel: this.scene.panels.indexOf(panel) });
    } else {
      this.zoom(panel, from, to);
    }
    this.repaint();
  }

  zoom(panel, from, to) {
    const { box } = panel;
    const share = (value, start, size) => Math.min(Math.max((value - start) / size, 0), 1);
    const xs = [from.x, to.x].map((x) => share(x, box.left, box.width)).sort((a, b) => a - b);
    const ys = [from.y, to.y].map((y) => 1 - share(y, box.top, box.height)).sort((a, b) => a - b);
    if (xs[1] - xs[0] < 0.01 || ys[1] - ys[0] < 0.01) return;
    panel.range = [xs.map((x) => panel.value(x, 0)), ys.map((y) => panel.value(y, 1))];
  }

  whole(event) {
    const panel = this.panelAt(this.at(event));
    if (panel) panel.range = panel.whole;
    this.repaint();
  }
}

// One scene for all views of a model; it asks for what it shows when it is there.
export default () => {
  const scene = new CurveScene();
  return {
    initialize({ model }) {
      model.on("msg:custom", (message, buffers) => scene.told(message, buffers));
      model.send({ type: "ready" });
    },
    render({ model, el }) {
      const page = new CurvePage(model, scene);
      el.append(page.root);
      return () => page.remove();
    },
  };
};
