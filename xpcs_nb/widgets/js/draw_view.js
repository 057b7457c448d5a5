// The view of the editor: the image view with tools that draw, and messages.

import { button, element } from "./dom.js";
import { drawEdits } from "./draw_shapes.js";
import { EditScene } from "./edit_scene.js";
import { View, definition } from "./image_view.js";
import { SHAPES } from "./shapes.js";
import { MODES, TOOLS, toolBar } from "./tool_bar.js";
import { BinsTool, BrushTool, CenterTool, PixelsTool, PolygonTool, SelectTool, SimilarTool, StretchTool, isDrawn, tidy } from "./tools.js";

const ARROWS = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };

class DrawView extends View {
  constructor(model, scene) {
    super(model, scene);
    this.sketch = null;
    this.ring = null;
    this.tools = makeTools(this);
    this.toolBar = toolBar(this);
    this.said = element("div", { class: "xnb-said", role: "log", "aria-label": "messages" });
    this.root.prepend(this.toolBar.root);
    this.root.append(this.said);
    this.stage.addEventListener("dblclick", () => this.tool.double?.());
    this.stage.addEventListener("pointerdown", () => (scene.busy = true));
    for (const end of ["pointerup", "pointercancel"]) this.stage.addEventListener(end, () => (scene.busy = false));
    this.stage.addEventListener("pointerleave", () => {
      if (this.ring) this.ring = null;
      this.repaint("vectors");
    });
    for (const what of ["tools", "said"]) this.hear(what);
    scene.askSoon();
  }

  hear(what, box = null) {
    if (!this.toolBar) return super.hear(what, box);
    if (what === "tools") {
      this.toolBar.update();
      const tool = this.tools[this.model.get("tool")] ?? this.hand;
      if (tool !== this.tool) this.use(tool);
    } else if (what === "said") this.showSaid();
    else if (what === "answered") {
      this.sketch = null;
      this.repaint("vectors");
    } else super.hear(what, box);
  }

  showSaid() {
    const row = ({ id, level, text }) => {
      const dismiss = button("×", "dismiss this message", () => this.model.send({ type: "dismiss", id }));
      return element("div", { class: `xnb-message xnb-${level}`, role: level === "error" ? "alert" : "status" }, element("span", {}, text), dismiss);
    };
    this.said.replaceChildren(...this.scene.said.map(row));
  }

  set(trait, value) {
    this.model.set(trait, value);
    this.model.save_changes();
    this.scene.changed("tools");
  }

  ask(request) {
    this.model.send(request);
  }

  select(index) {
    this.set("selected", index);
    this.repaint("vectors");
  }

  change(edit) {
    const index = this.model.get("selected");
    const said = tidy(edit);
    delete said.chosen;
    this.sketch = { ...said, chosen: true };
    this.ask({ type: "change", index, edit: said });
  }

  handles(edit) {
    return isDrawn(edit) ? SHAPES[edit.kind].handles(edit, 26 / this.viewport.scale) : [];
  }

  drawMore(context) {
    if (this.tools) drawEdits(this, context);
  }

  key(event) {
    if (this.tool.key?.(event) || this.command(event)) {
      event.preventDefault();
      event.stopPropagation();
    } else super.key(event);
  }

  command(event) {
    const key = event.key.length === 1 ? event.key.toLowerCase() : event.key;
    if (event.ctrlKey || event.metaKey) {
      if (key === "z") this.ask({ type: event.shiftKey ? "redo" : "undo" });
      else if (key === "y") this.ask({ type: "redo" });
      else return false;
      return true;
    }
    const tool = TOOLS.find(([, letter]) => letter === key);
    if (tool) this.set("tool", tool[0]);
    else if (key === "m") this.set("mode", nextMode(this.model.get("mode")));
    else if (key === "[" || key === "]") this.set("brush", nextWidth(this.model.get("brush"), key === "]"));
    else return this.commandOnSelected(key, event.shiftKey);
    return true;
  }

  commandOnSelected(key, far) {
    const { selected } = this.scene;
    if (key === "Escape") {
      this.tool.cancel?.();
      this.select(-1);
    } else if ((key === "Delete" || key === "Backspace") && selected)
      this.ask({ type: "delete", index: this.model.get("selected") });
    else if (key in ARROWS && selected && isDrawn(selected.edit)) {
      const [dx, dy] = ARROWS[key].map((part) => part * (far ? 10 : 1));
      this.change(SHAPES[selected.edit.kind].move(this.sketch?.chosen ? this.sketch : selected.edit, dx, this.viewport.flipped ? -dy : dy));
    } else return false;
    return true;
  }
}

function nextMode(mode) {
  const names = MODES.map(([name]) => name);
  return names[(names.indexOf(mode) + 1) % names.length];
}

function nextWidth(width, wider) {
  const step = width < 10 ? 1 : width < 50 ? 5 : 20;
  return Math.min(Math.max(width + (wider ? step : -step), 1), 1000);
}

function makeTools(view) {
  const stretched = ["rectangle", "circle", "ellipse", "line"].map((kind) => [kind, new StretchTool(view, kind)]);
  return {
    hand: view.hand,
    select: new SelectTool(view),
    ...Object.fromEntries(stretched),
    polygon: new PolygonTool(view),
    brush: new BrushTool(view, false),
    eraser: new BrushTool(view, true),
    pixels: new PixelsTool(view),
    similar: new SimilarTool(view),
    center: new CenterTool(view),
    bins: new BinsTool(view),
  };
}

export default definition(
  (model, scene) => new DrawView(model, scene),
  (model) => new EditScene(model),
);
