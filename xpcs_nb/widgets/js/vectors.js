// Lines over the image: markers and outlines that Python asked for.

export function drawVectors(view, context) {
  for (const outline of view.scene.outlines) drawOutline(view, context, outline);
  for (const marker of view.scene.markers) drawMarker(view, context, marker);
}

// Each line is drawn dark and wide, then in its colour, so that it is seen on any image.
export function strokeTwice(context, colour, width = 1.5, dash = []) {
  context.setLineDash([]);
  context.strokeStyle = "rgba(0, 0, 0, 0.6)";
  context.lineWidth = width + 1.5;
  context.stroke();
  context.setLineDash(dash);
  context.strokeStyle = colour;
  context.lineWidth = width;
  context.stroke();
  context.setLineDash([]);
}

export function tracePoints(view, context, points, closed) {
  context.beginPath();
  points.forEach(([x, y], i) => {
    const [sx, sy] = view.viewport.toScreen(x, y);
    if (i === 0) context.moveTo(sx, sy);
    else context.lineTo(sx, sy);
  });
  if (closed) context.closePath();
}

function drawOutline(view, context, { points, closed, colour }) {
  tracePoints(view, context, points, closed);
  strokeTwice(context, colour, 2);
}

function drawMarker(view, context, { x, y, colour }) {
  const [sx, sy] = view.viewport.toScreen(x, y);
  context.beginPath();
  for (const [dx, dy] of [[1, 0], [0, 1], [-1, 0], [0, -1]]) {
    context.moveTo(sx + 4 * dx, sy + 4 * dy);
    context.lineTo(sx + 15 * dx, sy + 15 * dy);
  }
  strokeTwice(context, colour, 2);
}
