// What is under the cursor, in words, without asking the kernel.

import { element, formatNumber } from "./dom.js";

const UNITS = { "1/angstrom": "Å⁻¹", degree: "°", 1: "" };

export class Readout {
  constructor(scene) {
    this.scene = scene;
    this.line = element("div", { class: "xnb-readout" });
    this.root = this.line;
    this.last = null;
    this.leave();
  }

  show(point) {
    this.last = [Math.round(point.x), Math.round(point.y)];
    this.update();
  }

  update() {
    if (!this.last) return;
    const said = this.scene.describe(...this.last);
    if (said.length === 0) return this.leave();
    this.line.replaceChildren(
      ...said.map(([name, value, unit]) => {
        const text = typeof value === "number" ? formatNumber(value) : value;
        const known = UNITS[unit] ?? unit;
        const gap = known && known !== "°" ? " " : "";
        return element("span", {}, element("b", {}, name), `${name ? " " : ""}${text}${gap}${known}`);
      }),
    );
  }

  leave() {
    this.last = null;
    this.line.replaceChildren(element("span", { class: "xnb-faint" }, "Point at a pixel to read it"));
  }
}
