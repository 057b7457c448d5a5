// Shapes on the vector canvas: outlines, the chosen one with its handles, and what is being drawn.

import { SHAPES } from "./shapes.js";
import { isDrawn } from "./tools.js";
import { strokeTwice, tracePoints } from "./vectors.js";

const COLOURS = { exclude: "#ff6e6e", include: "#69f0ae", only: "#40c4ff" };
const CHOSEN = "#ffeb3b";

function drawShape(view, context, edit, colour) {
  if (edit.kind === "pixels") return drawPixels(view, context, edit.points ?? [], colour);
  if (edit.kind === "center") return drawCross(view, context, edit);
  const shape = SHAPES[edit.kind];
  const points = shape.outline(edit);
  if (edit.kind === "brush") return drawStroke(view, context, edit, colour);
  tracePoints(view, context, points, shape.closed && !edit.open);
  strokeTwice(context, colour);
}

function drawStroke(view, context, { points, radius }, colour) {
  const path = points.length > 1 ? points : [points[0], [points[0][0] + 1e-3, points[0][1]]];
  context.save();
  context.lineCap = context.lineJoin = "round";
  context.globalAlpha = 0.3;
  context.strokeStyle = colour;
  context.lineWidth = Math.max(2 * radius * view.viewport.scale, 1);
  tracePoints(view, context, path, false);
  context.stroke();
  context.restore();
}

function drawPixels(view, context, points, colour) {
  const side = Math.max(view.viewport.scale, 3);
  context.beginPath();
  for (const [x, y] of points) {
    const [sx, sy] = view.viewport.toScreen(x, y);
    context.rect(sx - side / 2, sy - side / 2, side, side);
  }
  strokeTwice(context, colour, 1);
}

function drawCross(view, context, { x, y }) {
  const [sx, sy] = view.viewport.toScreen(x, y);
  context.beginPath();
  context.moveTo(sx - 16, sy);
  context.lineTo(sx + 16, sy);
  context.moveTo(sx, sy - 16);
  context.lineTo(sx, sy + 16);
  strokeTwice(context, CHOSEN);
}

function drawHandles(view, context, edit) {
  for (const handle of view.handles(edit)) {
    const [sx, sy] = view.viewport.toScreen(handle.x, handle.y);
    context.beginPath();
    if (handle.name === "turn") context.arc(sx, sy, 5, 0, 2 * Math.PI);
    else context.rect(sx - 4, sy - 4, 8, 8);
    context.fillStyle = "#ffffff";
    context.fill();
    context.lineWidth = 1.5;
    context.strokeStyle = "#202020";
    context.stroke();
  }
}

export function drawEdits(view, context) {
  const { scene, sketch } = view;
  const chosen = scene.selected;
  if (view.model.get("outlines")) {
    for (const each of scene.shapes) {
      if (each.on && each !== chosen && each.edit.kind !== "brush" && isDrawn(each.edit))
        drawShape(view, context, each.edit, COLOURS[each.edit.mode]);
    }
  }
  const moving = sketch?.chosen ? sketch : null;
  if (chosen && isDrawn(chosen.edit)) {
    const edit = moving ?? chosen.edit;
    drawShape(view, context, edit, CHOSEN);
    drawHandles(view, context, edit);
  }
  if (sketch && !moving) drawShape(view, context, sketch, COLOURS[sketch.mode] ?? CHOSEN);
  if (view.ring) drawRing(view, context, view.ring);
}

function drawRing(view, context, { x, y, radius }) {
  const [sx, sy] = view.viewport.toScreen(x, y);
  context.beginPath();
  context.arc(sx, sy, Math.max(radius * view.viewport.scale, 1), 0, 2 * Math.PI);
  strokeTwice(context, "#ffffff", 1);
}
