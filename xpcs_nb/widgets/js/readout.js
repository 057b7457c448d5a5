// What is under the cursor, in words, without asking the kernel.

import { element, formatNumber } from "./dom.js";

const UNITS = { "1/angstrom": "Å⁻¹", degree: "°", 1: "" };

export class Readout {
  constructor(scene) {
    this.scene = scene;
    this.root = element("div", { class: "xnb-readout" });
    this.last = null;
    this.said = null;
    this.leave();
  }

  show(point) {
    this.last = [Math.round(point.x), Math.round(point.y)];
    this.update();
  }

  // The page is touched only where it says something else: each change has the browser lay it out anew.
  update() {
    const said = this.last ? this.scene.describe(...this.last) : [];
    if (said.length === 0) return this.leave();
    const texts = said.map(textOf);
    const names = said.map(([name]) => name);
    if (this.said?.names.join() !== names.join()) {
      const spans = names.map((name, i) => element("span", {}, element("b", {}, name), texts[i]));
      this.root.replaceChildren(...spans);
    } else texts.forEach((text, i) => text !== this.said.texts[i] && (this.root.children[i].lastChild.data = text));
    this.said = { names, texts };
  }

  leave() {
    this.last = null;
    if (!this.said && this.root.firstChild) return;
    this.said = null;
    this.root.replaceChildren(element("span", { class: "xnb-faint" }, "Point at a pixel to read it"));
  }
}

function textOf([name, value, unit]) {
  const text = typeof value === "number" ? formatNumber(value) : value;
  const known = UNITS[unit] ?? unit;
  return `${name ? " " : ""}${text}${known && known !== "°" ? " " : ""}${known}`;
}
