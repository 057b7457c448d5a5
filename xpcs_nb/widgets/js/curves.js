// Curves with errors, as SVG: a few hundred points are drawn in some ms, and read by a screen reader by their titles.

import { element, formatNumber } from "./dom.js";

const SIZE = { width: 264, height: 176, left: 48, right: 8, top: 30, bottom: 32 };
const SVG = "http://www.w3.org/2000/svg";

// Each panel has a clip path of its own name.
let clips = 0;

function draw(tag, attributes, ...children) {
  const made = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

// In the element itself: style sheets of notebooks have rules for every svg.
const sized = (width, height) => `width:${width}px;height:${height}px`;

const isNumber = (value) => typeof value === "number" && Number.isFinite(value);

// The least and the greatest of all finite values of an axis; errors count for y.
function extent(panel, axis) {
  let [low, high] = [Infinity, -Infinity];
  const take = (value) => {
    if (!isNumber(value) || (panel[axis].log && value <= 0)) return;
    low = Math.min(low, value);
    high = Math.max(high, value);
  };
  for (const series of panel.series) {
    series[axis].forEach((value, index) => {
      const error = axis === "y" && series.e ? series.e[index] ?? 0 : 0;
      if (!isNumber(value)) return;
      take(value - error);
      take(value + error);
    });
  }
  if (panel[axis].limits) return panel[axis].limits;
  return low <= high ? [low, high] : [panel[axis].log ? 0.1 : 0, 1];
}

function scaleOf(panel, axis, from, to) {
  const log = panel[axis].log;
  const change = log ? Math.log10 : (value) => value;
  let [low, high] = extent(panel, axis).map(change);
  const margin = 0.05 * (high - low) || 0.05 * Math.abs(high) || 0.5;
  [low, high] = [low - margin, high + margin];
  const scale = (value) => from + ((change(value) - low) / (high - low)) * (to - from);
  scale.ticks = log ? logTicks(low, high) : linearTicks(low, high);
  return scale;
}

function logTicks(low, high) {
  const step = Math.max(1, Math.ceil((high - low) / 5));
  const parts = high - low < 1.6 ? [1, 2, 5] : [1];
  const ticks = [];
  for (let power = Math.floor(low); power <= high; power += 1) {
    if (parts.length === 1 && power % step) continue;
    for (const part of parts) {
      const place = power + Math.log10(part);
      if (place >= low && place <= high) ticks.push(Number(`${part}e${power}`));
    }
  }
  return ticks;
}

function linearTicks(low, high) {
  const rough = (high - low) / 4;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = power * ([1, 2, 5, 10].find((part) => part * power >= rough) ?? 10);
  const ticks = [];
  for (let tick = Math.ceil(low / step) * step; tick <= high + 1e-9 * step; tick += step) {
    ticks.push(Number(tick.toPrecision(12)));
  }
  return ticks;
}

function axes(panel, x, y) {
  const { width, height, left, right, top, bottom } = SIZE;
  const frame = draw("rect", {
    x: left, y: top, width: width - left - right, height: height - top - bottom, class: "xnb-frame",
  });
  const parts = [frame];
  for (const tick of x.ticks) {
    const at = x(tick);
    parts.push(draw("line", { x1: at, x2: at, y1: height - bottom, y2: height - bottom - 4, class: "xnb-tick" }));
    parts.push(draw("text", { x: at, y: height - bottom + 12, "text-anchor": "middle" }, formatNumber(tick)));
  }
  for (const tick of y.ticks) {
    const at = y(tick);
    parts.push(draw("line", { x1: left, x2: left + 4, y1: at, y2: at, class: "xnb-tick" }));
    parts.push(draw("text", { x: left - 4, y: at + 3.5, "text-anchor": "end" }, formatNumber(tick)));
  }
  parts.push(draw("text", { x: (left + width - right) / 2, y: height - 4, "text-anchor": "middle" }, panel.x.label));
  const middle = (top + height - bottom) / 2;
  const turned = `rotate(-90 10 ${middle})`;
  parts.push(draw("text", { x: 10, y: middle, "text-anchor": "middle", transform: turned }, panel.y.label));
  return parts;
}

function curve(series, panel, x, y) {
  const points = series.x.map((value, index) => [value, series.y[index], series.e ? series.e[index] : null]);
  const shown = points.filter(
    ([across, up]) => isNumber(across) && isNumber(up) && !(panel.x.log && across <= 0) && !(panel.y.log && up <= 0),
  );
  const group = draw("g", { stroke: series.colour, fill: series.colour });
  if (series.line) {
    const path = shown.map(([across, up], index) => `${index ? "L" : "M"}${x(across).toFixed(1)} ${y(up).toFixed(1)}`);
    group.append(draw("path", { d: path.join(""), fill: "none", "stroke-width": 1.4 }));
    return group;
  }
  const radius = series.radius ?? 2.4;
  for (const [across, up, error] of shown) {
    const [cx, cy] = [x(across), y(up)];
    if (isNumber(error) && !(panel.y.log && up - error <= 0)) {
      group.append(draw("line", { x1: cx, x2: cx, y1: y(up - error), y2: y(up + error), "stroke-width": 0.8 }));
    }
    const mark = draw("circle", { cx, cy, r: radius, "stroke-width": 0.8 });
    if (series.open) mark.setAttribute("fill", "none");
    mark.append(draw("title", {}, `${formatNumber(across)}, ${formatNumber(up)}`));
    group.append(mark);
  }
  return group;
}

function panelOf(panel) {
  const { width, height, left, right, top, bottom } = SIZE;
  const x = scaleOf(panel, "x", left, width - right);
  const y = scaleOf(panel, "y", height - bottom, top);
  const said = [panel.title, panel.note].filter(Boolean).join(". ");
  clips += 1;
  const id = `xnb-clip-${clips}`;
  const [inside, upright] = [width - left - right, height - top - bottom];
  const frame = draw("clipPath", { id }, draw("rect", { x: left, y: top, width: inside, height: upright }));
  const clip = draw("g", { "clip-path": `url(#${id})` });
  clip.append(...panel.series.map((series) => curve(series, panel, x, y)));
  return draw(
    "svg",
    {
      viewBox: `0 0 ${width} ${height}`,
      style: sized(width, height),
      class: "xnb-curves-panel",
      role: "img",
      "aria-label": said,
    },
    frame,
    ...axes(panel, x, y),
    clip,
    draw("text", { x: left, y: 11, class: "xnb-title" }, panel.title),
    draw("text", { x: left, y: 24, class: `xnb-note xnb-${panel.tone ?? "plain"}` }, panel.note ?? ""),
  );
}

function render({ model, el }) {
  const legend = element("div", { class: "xnb-legend" });
  const place = element("div", { class: "xnb-curves" });
  el.append(element("div", { class: "xnb-view" }, legend, place));
  const show = () => {
    const { number = 0, panels = [], legend: names = [] } = model.get("drawing");
    place.replaceChildren(...panels.map(panelOf));
    legend.replaceChildren(
      ...names.map(([text, colour]) =>
        element("span", {}, element("i", { style: `background:${colour}`, "aria-hidden": "true" }), text)),
    );
    model.set("drawn", number);
    model.save_changes();
  };
  model.on("change:drawing", show);
  show();
  return () => model.off("change:drawing", show);
}

export default { render };
