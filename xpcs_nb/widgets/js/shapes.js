// Drawn shapes as the edits of a qmap say them: outline, handles, and what becomes of them when a handle is dragged.
// Positions are pixels, x the column and y the row, centres at integers; angles are degrees from x towards y.

const SMALLEST = 0.5;

function turned(edit, along, across) {
  const angle = ((edit.angle ?? 0) * Math.PI) / 180;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  return [edit.x + along * c - across * s, edit.y + along * s + across * c];
}

// A position as seen from the centre of a shape, along its own axes.
function own(edit, x, y) {
  const angle = ((edit.angle ?? 0) * Math.PI) / 180;
  const [c, s] = [Math.cos(angle), Math.sin(angle)];
  const [dx, dy] = [x - edit.x, y - edit.y];
  return [dx * c + dy * s, dy * c - dx * s];
}

function round(edit, a, b) {
  return Array.from({ length: 120 }, (_, i) => {
    const t = (i * Math.PI) / 60;
    return turned(edit, a * Math.cos(t), b * Math.sin(t));
  });
}

function turnHandle(edit, reach, far) {
  const [x, y] = turned(edit, 0, -reach - far);
  return { name: "turn", x, y };
}

function turnTo(edit, x, y, shift) {
  const angle = (Math.atan2(y - edit.y, x - edit.x) * 180) / Math.PI + 90;
  const wrapped = ((angle + 540) % 360) - 180;
  return { ...edit, angle: shift ? Math.round(wrapped / 15) * 15 : Number(wrapped.toFixed(2)) };
}

const SIDES = { nw: [-1, -1], n: [0, -1], ne: [1, -1], e: [1, 0], se: [1, 1], s: [0, 1], sw: [-1, 1], w: [-1, 0] };

const shift = (edit, dx, dy) => ({ ...edit, x: edit.x + dx, y: edit.y + dy });
const shiftPoints = (edit, dx, dy) => ({ ...edit, points: edit.points.map(([x, y]) => [x + dx, y + dy]) });

const rectangle = {
  closed: true,
  outline: (edit) => {
    const [w, h] = [edit.width / 2, edit.height / 2];
    return [[-w, -h], [w, -h], [w, h], [-w, h]].map(([along, across]) => turned(edit, along, across));
  },
  handles: (edit, far) => {
    const at = ([name, [i, j]]) => {
      const [x, y] = turned(edit, (i * edit.width) / 2, (j * edit.height) / 2);
      return { name, x, y };
    };
    return [...Object.entries(SIDES).map(at), turnHandle(edit, edit.height / 2, far)];
  },
  drag: (edit, name, x, y, even) => {
    if (name === "turn") return turnTo(edit, x, y, even);
    const [i, j] = SIDES[name];
    const [along, across] = own(edit, x, y);
    const next = { ...edit };
    let [middle, centre] = [0, 0];
    if (i) {
      const fixed = (-i * edit.width) / 2;
      next.width = Math.max(Math.abs(along - fixed), SMALLEST);
      middle = (along + fixed) / 2;
    }
    if (j) {
      const fixed = (-j * edit.height) / 2;
      next.height = Math.max(Math.abs(across - fixed), SMALLEST);
      centre = (across + fixed) / 2;
    }
    [next.x, next.y] = turned(edit, middle, centre);
    return next;
  },
  move: shift,
  begin: (x0, y0, x1, y1, even) => {
    let [w, h] = [x1 - x0, y1 - y0];
    if (even) [w, h] = [Math.sign(w), Math.sign(h)].map((sign) => sign * Math.max(Math.abs(w), Math.abs(h)));
    return { kind: "rectangle", x: x0 + w / 2, y: y0 + h / 2, width: Math.abs(w), height: Math.abs(h), angle: 0 };
  },
  size: (edit) => Math.min(edit.width, edit.height),
};

const circle = {
  closed: true,
  outline: (edit) => round(edit, edit.radius, edit.radius),
  handles: (edit) =>
    ["n", "e", "s", "w"].map((name) => {
      const [i, j] = SIDES[name];
      return { name, x: edit.x + i * edit.radius, y: edit.y + j * edit.radius };
    }),
  drag: (edit, _, x, y) => ({ ...edit, radius: Math.max(Math.hypot(x - edit.x, y - edit.y), SMALLEST) }),
  move: shift,
  begin: (x0, y0, x1, y1) => ({ kind: "circle", x: x0, y: y0, radius: Math.hypot(x1 - x0, y1 - y0) }),
  size: (edit) => edit.radius,
};

const ellipse = {
  closed: true,
  outline: (edit) => round(edit, edit.a, edit.b),
  handles: (edit, far) => [
    ...["n", "e", "s", "w"].map((name) => {
      const [i, j] = SIDES[name];
      const [x, y] = turned(edit, i * edit.a, j * edit.b);
      return { name, x, y };
    }),
    turnHandle(edit, edit.b, far),
  ],
  drag: (edit, name, x, y, even) => {
    if (name === "turn") return turnTo(edit, x, y, even);
    const [along, across] = own(edit, x, y).map((part) => Math.max(Math.abs(part), SMALLEST));
    return name === "e" || name === "w" ? { ...edit, a: along } : { ...edit, b: across };
  },
  move: shift,
  begin: (x0, y0, x1, y1, even) => {
    let [a, b] = [Math.abs(x1 - x0), Math.abs(y1 - y0)];
    if (even) a = b = Math.max(a, b);
    return { kind: "ellipse", x: x0, y: y0, a, b, angle: 0 };
  },
  size: (edit) => Math.min(edit.a, edit.b),
};

const polygon = {
  closed: true,
  outline: (edit) => edit.points,
  handles: (edit) => edit.points.map(([x, y], i) => ({ name: i, x, y })),
  drag: (edit, index, x, y) => ({ ...edit, points: edit.points.map((point, i) => (i === index ? [x, y] : point)) }),
  move: shiftPoints,
};

const line = {
  closed: true,
  outline: (edit) => {
    const length = Math.hypot(edit.x1 - edit.x0, edit.y1 - edit.y0) || 1;
    const [nx, ny] = [(-(edit.y1 - edit.y0) / length) * edit.width / 2, ((edit.x1 - edit.x0) / length) * edit.width / 2];
    return [
      [edit.x0 + nx, edit.y0 + ny],
      [edit.x1 + nx, edit.y1 + ny],
      [edit.x1 - nx, edit.y1 - ny],
      [edit.x0 - nx, edit.y0 - ny],
    ];
  },
  handles: (edit) => {
    const [[ax, ay], [bx, by]] = line.outline(edit);
    return [
      { name: "0", x: edit.x0, y: edit.y0 },
      { name: "1", x: edit.x1, y: edit.y1 },
      { name: "width", x: (ax + bx) / 2, y: (ay + by) / 2 },
    ];
  },
  drag: (edit, name, x, y) => {
    if (name !== "width") return { ...edit, [`x${name}`]: x, [`y${name}`]: y };
    const length = Math.hypot(edit.x1 - edit.x0, edit.y1 - edit.y0) || 1;
    const away = Math.abs((edit.x1 - edit.x0) * (y - edit.y0) - (edit.y1 - edit.y0) * (x - edit.x0)) / length;
    return { ...edit, width: Math.max(2 * away, SMALLEST) };
  },
  move: (edit, dx, dy) => ({ ...edit, x0: edit.x0 + dx, x1: edit.x1 + dx, y0: edit.y0 + dy, y1: edit.y1 + dy }),
  begin: (x0, y0, x1, y1, even, width) => {
    if (even) {
      const [length, step] = [Math.hypot(x1 - x0, y1 - y0), Math.PI / 12];
      const angle = Math.round(Math.atan2(y1 - y0, x1 - x0) / step) * step;
      [x1, y1] = [x0 + length * Math.cos(angle), y0 + length * Math.sin(angle)];
    }
    return { kind: "line", x0, y0, x1, y1, width };
  },
  size: (edit) => Math.hypot(edit.x1 - edit.x0, edit.y1 - edit.y0),
};

const brush = {
  closed: false,
  outline: (edit) => edit.points,
  handles: (edit) => [{ name: "radius", x: edit.points[0][0] + edit.radius, y: edit.points[0][1] }],
  drag: (edit, _, x, y) => {
    const [cx, cy] = edit.points[0];
    return { ...edit, radius: Math.max(Math.hypot(x - cx, y - cy), SMALLEST) };
  },
  move: shiftPoints,
};

const pixels = {
  closed: true,
  outline: () => [],
  handles: () => [],
  drag: (edit) => edit,
  move: (edit, dx, dy) => shiftPoints(edit, Math.round(dx), Math.round(dy)),
};

export const SHAPES = { rectangle, circle, ellipse, polygon, line, brush, pixels };

function insidePolygon(points, x, y) {
  let inside = false;
  for (let i = 0, j = points.length - 1; i < points.length; j = i++) {
    const [[ax, ay], [bx, by]] = [points[i], points[j]];
    if (ay > y !== by > y && x < ((bx - ax) * (y - ay)) / (by - ay) + ax) inside = !inside;
  }
  return inside;
}

export function distanceToSide([ax, ay], [bx, by], x, y) {
  const length = (bx - ax) ** 2 + (by - ay) ** 2;
  const t = length ? Math.min(Math.max(((x - ax) * (bx - ax) + (y - ay) * (by - ay)) / length, 0), 1) : 0;
  return Math.hypot(x - ax - t * (bx - ax), y - ay - t * (by - ay));
}

// The side of a polyline that is nearest, and how far it is.
export function nearestSide(points, closed, x, y) {
  let [side, distance] = [-1, Infinity];
  const last = closed ? points.length : points.length - 1;
  for (let i = 0; i < last; i++) {
    const found = distanceToSide(points[i], points[(i + 1) % points.length], x, y);
    if (found < distance) [side, distance] = [i, found];
  }
  if (points.length === 1) return [0, Math.hypot(x - points[0][0], y - points[0][1])];
  return [side, distance];
}

export function hits(edit, x, y, near) {
  const shape = SHAPES[edit.kind];
  if (edit.kind === "pixels") return (edit.points ?? []).some(([px, py]) => Math.max(Math.abs(px - x), Math.abs(py - y)) <= 0.5);
  const points = shape.outline(edit);
  if (!shape.closed) return nearestSide(points, false, x, y)[1] <= edit.radius + near;
  return insidePolygon(points, x, y) || nearestSide(points, true, x, y)[1] <= near;
}
