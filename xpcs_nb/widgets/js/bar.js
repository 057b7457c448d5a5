// Controls of how the image is shown: colours, limits, layers, zoom.

import { button, element, formatNumber, labelled } from "./dom.js";

function save(model, name, value) {
  model.set(name, value);
  model.save_changes();
}

function colourControls(view) {
  const { model } = view;
  const maps = element("select", { "aria-label": "colour map", onchange: () => save(model, "color_map", maps.value) });
  const log = element("input", { type: "checkbox", onchange: () => save(model, "log", log.checked) });
  const update = () => {
    maps.replaceChildren(...view.scene.tables.names.map((name) => element("option", { value: name }, name)));
    maps.value = model.get("color_map");
    log.checked = model.get("log");
  };
  return { parts: [labelled("colours", maps), labelled("log", log)], update };
}

function limitControls(view) {
  const { model } = view;
  const typed = ["lowest", "highest"].map((name) =>
    element("input", { type: "text", inputmode: "decimal", size: "7", "aria-label": `${name} value shown` }),
  );
  const apply = () => {
    const values = typed.map((input) => Number(input.value));
    const usable = values.every(Number.isFinite) && values[0] < values[1] && !(model.get("log") && values[1] <= 0);
    typed.forEach((input) => input.classList.toggle("xnb-wrong", !usable));
    if (usable) save(model, "limits", values);
  };
  typed.forEach((input) => input.addEventListener("change", apply));
  const auto = button("auto", "limits from the image", () => save(model, "limits", null));
  const update = () => {
    if (!view.scene.image) return;
    view.scene.limits.forEach((value, i) => {
      typed[i].value = formatNumber(value);
      typed[i].classList.remove("xnb-wrong");
    });
    auto.classList.toggle("xnb-on", model.get("limits") === null);
  };
  return { parts: [element("span", { class: "xnb-field" }, typed[0], "–", typed[1]), auto], update };
}

function layerRow(view, name, layer) {
  const { model } = view;
  const change = (part) => {
    const layers = model.get("layers");
    save(model, "layers", { ...layers, [name]: { ...layers[name], ...part } });
  };
  const on = element("input", { type: "checkbox", checked: layer.on, onchange: () => change({ on: on.checked }) });
  const opacity = element("input", {
    ...{ type: "range", min: "0", max: "1", step: "0.05", "aria-label": `opacity of ${layer.title}` },
    onchange: () => change({ opacity: Number(opacity.value) }),
  });
  opacity.value = layer.opacity;
  const colour = element("input", { type: "color", "aria-label": `colour of ${layer.title}` });
  colour.value = layer.colour;
  colour.addEventListener("change", () => change({ colour: colour.value }));
  return element("div", { class: "xnb-layer" }, labelled(layer.title, on), opacity, colour);
}

function layerControls(view) {
  const list = element("div", { class: "xnb-popup", role: "group", "aria-label": "layers" });
  const root = element("details", { class: "xnb-details" }, element("summary", { class: "xnb-button" }, "layers"), list);
  const update = () => {
    const shown = Object.entries(view.model.get("layers")).filter(([name]) => view.scene.has(name));
    root.hidden = shown.length === 0;
    if (list.contains(document.activeElement) && list.children.length === shown.length) return;
    list.replaceChildren(...shown.map(([name, layer]) => layerRow(view, name, layer)));
  };
  return { parts: [root], update };
}

function zoomControls(view) {
  const then = (change) => () => {
    change(view.viewport);
    view.repaint("view");
  };
  return {
    parts: [
      element(
        "span",
        { class: "xnb-group" },
        button("+", "zoom in (+)", then((port) => port.zoom(1.5))),
        button("−", "zoom out (−)", then((port) => port.zoom(1 / 1.5))),
        button("fit", "show all of the image (0)", then((port) => port.fit())),
      ),
    ],
    update: () => {},
  };
}

export function displayBar(view) {
  const groups = [colourControls, limitControls, layerControls, zoomControls].map((make) => make(view));
  const parts = groups.flatMap((group) => group.parts);
  const root = element("div", { class: "xnb-bar", role: "toolbar", "aria-label": "how the image is shown" }, ...parts);
  return { root, update: () => groups.forEach((group) => group.update()) };
}
