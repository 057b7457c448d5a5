// What a pointer does with each tool. A tool shows what it is about to do as `view.sketch`.

import { SHAPES, hits, nearestSide } from "./shapes.js";

// Screen pixels within which a handle or an outline is hit; fingers are wider.
const near = (point) => (point.device === "touch" ? 22 : 9);
const clean = (value) => Number(value.toFixed(2));
const cleanPoints = (points) => points.map((point) => point.map(clean));

export function tidy(edit) {
  const made = {};
  for (const [name, value] of Object.entries(edit)) {
    made[name] = typeof value === "number" ? clean(value) : name === "points" ? cleanPoints(value) : value;
  }
  return made;
}

class Tool {
  constructor(view) {
    this.view = view;
  }

  get model() {
    return this.view.model;
  }

  get width() {
    return this.model.get("brush");
  }

  sketch(edit) {
    this.view.sketch = edit;
    this.view.repaint("vectors");
  }

  // The sketch stays, as it is painted already, until the answer is; a frame in between would hold that up.
  send(edit) {
    const said = tidy({ mode: this.model.get("mode"), ...edit });
    this.view.sketch = said;
    this.view.ask({ type: "draw", edit: said });
  }

  cancel() {
    this.sketch(null);
  }

  leave() {
    this.sketch(null);
  }
}

export class StretchTool extends Tool {
  constructor(view, kind) {
    super(view);
    this.kind = kind;
  }

  down(point) {
    this.from = point;
    this.moved = false;
  }

  move(point) {
    const { x, y, sx, sy } = this.from;
    if (Math.hypot(point.sx - sx, point.sy - sy) > 3) this.moved = true;
    const mode = this.model.get("mode");
    if (this.moved) this.sketch({ mode, ...SHAPES[this.kind].begin(x, y, point.x, point.y, point.shift, this.width) });
  }

  up(point) {
    const shape = SHAPES[this.kind];
    const made = shape.begin(this.from.x, this.from.y, point.x, point.y, point.shift, this.width);
    if (this.moved && shape.size(made) > 0) this.send(made);
    else this.sketch(null);
  }
}

export class PolygonTool extends Tool {
  points = [];

  down(point) {
    this.closing = this.points.length > 2 && this.isFirst(point);
    if (!this.closing) this.points.push([point.x, point.y]);
    this.show();
  }

  isFirst(point) {
    const [sx, sy] = this.view.viewport.toScreen(...this.points[0]);
    return Math.hypot(sx - point.sx, sy - point.sy) < near(point);
  }

  move(point) {
    if (!this.closing) this.points[this.points.length - 1] = [point.x, point.y];
    this.show();
  }

  up() {
    if (this.closing) this.finish();
  }

  hover(point) {
    if (this.points.length) this.show([point.x, point.y]);
  }

  show(next = null) {
    const points = next ? [...this.points, next] : this.points;
    this.sketch({ kind: "polygon", points, mode: this.model.get("mode"), open: true });
  }

  finish() {
    const points = this.points;
    this.points = [];
    this.closing = false;
    if (points.length > 2) this.send({ kind: "polygon", points });
    else this.sketch(null);
  }

  key(event) {
    if (event.key === "Enter" && this.points.length) this.finish();
    else if (event.key === "Backspace" && this.points.length) {
      this.points.pop();
      this.show();
    } else return false;
    return true;
  }

  double() {
    if (this.points.length < 3) return;
    // The second click of the two has put the last corner twice.
    const [[ax, ay], [bx, by]] = this.points.slice(-2);
    if (Math.hypot(ax - bx, ay - by) * this.view.viewport.scale < 6) this.points.pop();
    this.finish();
  }

  cancel() {
    this.points = [];
    super.cancel();
  }

  leave() {
    this.cancel();
  }
}

export class BrushTool extends Tool {
  cursor = "none";

  constructor(view, erases) {
    super(view);
    this.erases = erases;
  }

  get edit() {
    const mode = this.erases ? "include" : this.model.get("mode");
    return { kind: "brush", points: this.points, radius: this.width / 2, mode };
  }

  down(point) {
    this.points = [[point.x, point.y]];
    this.hover(point);
  }

  move(point) {
    const [x, y] = this.points[this.points.length - 1];
    const step = Math.max(this.width / 8, 1 / this.view.viewport.scale, 0.25);
    if (Math.hypot(point.x - x, point.y - y) >= step) this.points.push([point.x, point.y]);
    this.view.ring = { ...point, radius: this.width / 2 };
    this.sketch(this.edit);
  }

  up() {
    this.send(this.edit);
  }

  hover(point) {
    this.view.ring = { ...point, radius: this.width / 2 };
    this.view.repaint("vectors");
  }

  leave() {
    this.view.ring = null;
    super.leave();
  }
}

export class PixelsTool extends Tool {
  down(point) {
    this.points = new Map();
    this.move(point);
  }

  move(point) {
    const place = [Math.round(point.x), Math.round(point.y)];
    this.points.set(place.join(), place);
    this.sketch({ kind: "pixels", points: [...this.points.values()], mode: this.model.get("mode") });
  }

  up() {
    this.send({ kind: "pixels", points: [...this.points.values()] });
  }
}

export class SelectTool extends Tool {
  cursor = "default";

  down(point, event) {
    this.done = false;
    this.grip = this.handleAt(point);
    const found = this.grip ? this.model.get("selected") : this.shapeAt(point);
    if (found !== this.model.get("selected")) this.view.select(found);
    this.start = this.view.scene.selected?.edit ?? null;
    this.from = point;
    this.changed = null;
    if (found < 0) this.view.hand.down(point, event);
    else if (point.alt) this.changeCorner(point);
  }

  handleAt(point) {
    const chosen = this.view.scene.selected;
    if (!chosen) return null;
    const within = (handle) => {
      const [sx, sy] = this.view.viewport.toScreen(handle.x, handle.y);
      return Math.hypot(sx - point.sx, sy - point.sy) <= near(point);
    };
    return this.view.handles(chosen.edit).find(within) ?? null;
  }

  shapeAt(point) {
    const reach = near(point) / this.view.viewport.scale / 2;
    const { shapes } = this.view.scene;
    for (let i = shapes.length - 1; i >= 0; i--) {
      const { edit, on } = shapes[i];
      if (on && isDrawn(edit) && hits(edit, point.x, point.y, reach)) return i;
    }
    return -1;
  }

  // With Alt a corner of a polygon goes, or one comes where there is none.
  changeCorner(point) {
    const edit = this.start;
    if (edit.kind !== "polygon") return;
    const points = [...edit.points];
    if (this.grip && points.length > 3) points.splice(this.grip.name, 1);
    else if (!this.grip) points.splice(nearestSide(points, true, point.x, point.y)[0] + 1, 0, [point.x, point.y]);
    this.done = true;
    this.view.change({ ...edit, points });
  }

  move(point) {
    if (this.done) return;
    if (!this.start) return this.view.hand.move(point);
    const [dx, dy] = [point.x - this.from.x, point.y - this.from.y];
    if (!this.changed && Math.hypot(point.sx - this.from.sx, point.sy - this.from.sy) < 3) return;
    const shape = SHAPES[this.start.kind];
    this.changed = this.grip
      ? shape.drag(this.start, this.grip.name, point.x, point.y, point.shift)
      : shape.move(this.start, dx, dy);
    this.sketch({ ...this.changed, chosen: true });
  }

  up(point) {
    if (!this.start) this.view.hand.up(point);
    else if (this.changed) this.view.change(this.changed);
  }

  hover(point) {
    const over = this.handleAt(point) ? "grab" : this.shapeAt(point) >= 0 ? "move" : "default";
    this.view.stage.style.cursor = over;
  }
}

export class CenterTool extends Tool {
  down(point) {
    this.move(point);
  }

  move(point) {
    this.sketch({ kind: "center", x: point.x, y: point.y });
  }

  up(point) {
    this.view.ask({ type: "center", x: clean(point.x), y: clean(point.y) });
  }
}

class ClickTool extends Tool {
  down() {}

  move() {}

  up(point) {
    this.click(Math.round(point.x), Math.round(point.y), point);
  }
}

export class BinsTool extends ClickTool {
  cursor = "pointer";

  click(x, y, point) {
    this.view.ask({ type: "bin", x, y, add: point.shift || point.ctrl });
  }
}

export class SimilarTool extends ClickTool {
  click(x, y) {
    this.view.ask({ type: "similar", x, y });
  }
}

export function isDrawn(edit) {
  return edit.kind in SHAPES && Object.keys(edit).length > 1;
}
