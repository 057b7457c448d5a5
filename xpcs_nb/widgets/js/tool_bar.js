// Buttons of the tools, with their keys; the mode and width of what is drawn; back and forth.

import { button, element, labelled } from "./dom.js";

// name, key, title, icon (paths on a grid of 16)
export const TOOLS = [
  ["select", "v", "select, move and reshape", "M3 1v12l3-3 2 5 2-1-2-5h4z"],
  ["hand", "h", "drag the image about, pick a pixel", "M8 1l3 3H9v3h3V5l3 3-3 3V9H9v3h2l-3 3-3-3h2V9H4v2L1 8l3-3v2h3V4H5z"],
  ["rectangle", "r", "rectangle", "M2 3h12v10H2zM3.5 4.5v7h9v-7z"],
  ["circle", "c", "circle about a centre", "M8 1a7 7 0 1 0 .01 0zM8 2.6a5.4 5.4 0 1 1-.01 0z"],
  ["ellipse", "e", "ellipse about a centre", "M8 3c4 0 7 2.2 7 5s-3 5-7 5-7-2.2-7-5 3-5 7-5zM8 4.5c-3.200 0-5.500 1.600-5.500 3.500s2.300 3.500 5.500 3.500 5.500-1.600 5.500-3.500-2.300-3.500-5.500-3.500z"],
  ["polygon", "p", "polygon: click its corners, Enter or double click ends it", "M8 1l7 5-3 9H4L1 6zM8 3L2.900 6.600l2.200 6.900h5.800l2.200-6.900z"],
  ["line", "l", "line of the width set", "M13.500 1.500l1 1-12 12-1-1z"],
  ["brush", "b", "brush of the width set", "M14 1l1 1-7 9-3-2zM4 10l3 2c0 2-2 3-5 3 1-1 1-4 2-5z"],
  ["eraser", "x", "eraser: pixels come back", "M9 2l5 5-7 7H4l-3-3zM9 4.100L5.600 7.500l3 3L11.900 7zM4.600 8.500L3 11l1.600 1.500h1.800l1.200-1z"],
  ["pixels", "d", "single pixels", "M2 2h4v4H2zM10 6h4v4h-4zM4 10h4v4H4z"],
  ["similar", "w", "pixels like the one that is clicked", "M11 1l.8 2.200L14 4l-2.200.8L11 7l-.8-2.200L8 4l2.200-.8zM8.400 6.400l1.200 1.200-7 7-1.200-1.200zM14 8.500l.5 1.500 1.500.5-1.500.5-.5 1.500-.5-1.500-1.500-.5 1.500-.5z"],
  ["center", "t", "put the beam centre", "M7 1h2v3.100A4 4 0 0 1 11.900 7H15v2h-3.100A4 4 0 0 1 9 11.900V15H7v-3.100A4 4 0 0 1 4.100 9H1V7h3.100A4 4 0 0 1 7 4.100zM8 5.500A2.500 2.500 0 1 0 8 10.500 2.500 2.500 0 0 0 8 5.500z"],
  ["bins", "g", "pick bins to merge or split (Shift adds)", "M8 1a7 7 0 0 1 7 7h-4.500A2.500 2.500 0 0 0 8 5.500zM1 8a7 7 0 0 1 5-6.700v4.500A2.500 2.500 0 0 0 5.500 8zM8 10.500A2.500 2.500 0 0 0 10.500 9.500h4.300A7 7 0 0 1 1.200 9.500h4.300A2.500 2.500 0 0 0 8 10.500z"],
];

export const MODES = [
  ["exclude", "pixels in the shape leave the mask"],
  ["include", "pixels in the shape come back; blemishes stay out"],
  ["only", "all pixels outside of the shapes leave the mask"],
];

const KEYS = [
  ...TOOLS.map(([, key, title]) => [key.toUpperCase(), title]),
  ["M", "next mode: exclude, include, only"],
  ["[ ]", "thinner, wider brush and line"],
  ["Ctrl+Z, Ctrl+Shift+Z", "undo, redo"],
  ["Delete", "delete the selected edit"],
  ["Arrows", "move the selected shape by a pixel (Shift: 10), or the image"],
  ["Shift", "while drawing: square, round, steps of 15°"],
  ["Alt+click", "on a selected polygon: add or remove a corner"],
  ["Esc", "give up what is being drawn, select nothing"],
  ["+ − 0", "zoom in, out, show all; also wheel or two fingers"],
  ["right drag", "move the image, with any tool"],
];

function icon(path) {
  const svg = document.createElementNS("http://www.w3.org/2000/svg", "svg");
  svg.setAttribute("viewBox", "0 0 16 16");
  svg.setAttribute("aria-hidden", "true");
  const drawn = document.createElementNS("http://www.w3.org/2000/svg", "path");
  drawn.setAttribute("d", path);
  drawn.setAttribute("fill-rule", "evenodd");
  svg.append(drawn);
  return svg;
}

function switches(view, trait, entries, content) {
  const buttons = entries.map(([name, title, shown]) => {
    const made = button(content ? content(shown) : name, title, () => view.set(trait, name));
    made.dataset.name = name;
    return made;
  });
  const update = () => {
    for (const each of buttons) {
      const on = each.dataset.name === view.model.get(trait);
      each.classList.toggle("xnb-on", on);
      each.setAttribute("aria-pressed", String(on));
    }
  };
  return { root: element("span", { class: "xnb-group" }, ...buttons), update };
}

function help() {
  const rows = KEYS.map(([key, what]) => element("tr", {}, element("th", { scope: "row" }, key), element("td", {}, what)));
  const popup = element("div", { class: "xnb-popup xnb-help" }, element("table", {}, ...rows));
  const summary = element("summary", { class: "xnb-button", "aria-label": "keyboard shortcuts", title: "keyboard shortcuts" }, "?");
  return element("details", { class: "xnb-details" }, summary, popup);
}

export function toolBar(view) {
  const tools = switches(view, "tool", TOOLS.map(([name, key, title, path]) => [name, `${title} (${key.toUpperCase()})`, path]), icon);
  const modes = switches(view, "mode", MODES);
  const width = element("input", { type: "number", min: "1", max: "1000", step: "1", "aria-label": "width of brush and lines, pixels" });
  width.addEventListener("change", () => view.set("brush", Math.max(Number(width.value) || 1, 1)));
  const undo = button("↶", "undo (Ctrl+Z)", () => view.ask({ type: "undo" }));
  const redo = button("↷", "redo (Ctrl+Shift+Z)", () => view.ask({ type: "redo" }));
  const outlines = element("input", { type: "checkbox" });
  outlines.addEventListener("change", () => view.set("outlines", outlines.checked));
  const root = element(
    "div",
    { class: "xnb-bar", role: "toolbar", "aria-label": "tools" },
    ...[tools.root, modes.root, labelled("width", width), labelled("outlines", outlines)],
    element("span", { class: "xnb-group" }, undo, redo),
    help(),
  );
  const update = () => {
    tools.update();
    modes.update();
    if (document.activeElement !== width) width.value = view.model.get("brush");
    outlines.checked = view.model.get("outlines");
    undo.disabled = !view.scene.history.undo;
    redo.disabled = !view.scene.history.redo;
  };
  return { root, update };
}
