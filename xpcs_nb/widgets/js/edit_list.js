// The list of edits: a row for each, the newest on top.

import { button, element } from "./dom.js";
import { keepKeys } from "./keys.js";

class EditList {
  constructor(model, entries) {
    this.model = model;
    this.entries = entries;
    this.list = element("ol", { class: "xnb-edits", "aria-label": "edits, the newest first" });
    this.root = element("div", { class: "xnb-edit-list" }, this.list);
    keepKeys();
    this.show();
  }

  show() {
    const { all } = this.entries;
    const rows = all.map((entry, index) => this.row(entry, index)).reverse();
    if (rows.length === 0) rows.push(element("li", { class: "xnb-empty" }, "No edits yet: choose a tool and draw."));
    this.list.replaceChildren(...rows);
  }

  row(entry, index) {
    const { model } = this;
    const on = element("input", {
      ...{ type: "checkbox", checked: entry.on, "aria-label": `edit ${index + 1} counts` },
      onchange: () => model.send({ type: "switch", index, on: on.checked }),
    });
    const chosen = model.get("selected") === index;
    const name = element(
      "button",
      {
        ...{ type: "button", class: "xnb-name", title: entry.label, "aria-pressed": String(chosen) },
        onclick: () => model.send({ type: "select", index: chosen ? -1 : index }),
      },
      element("span", { class: `xnb-mode xnb-mode-${entry.mode || "none"}`, title: entry.mode }),
      `${index + 1}. ${entry.label}`,
    );
    const remove = button("×", `delete edit ${index + 1}`, () => model.send({ type: "delete", index }));
    return element("li", { class: chosen ? "xnb-chosen" : entry.on ? "" : "xnb-off" }, on, name, remove);
  }
}

export default () => {
  const entries = { all: [] };
  const lists = new Set();
  const update = () => lists.forEach((list) => list.show());
  return {
    initialize({ model }) {
      model.on("msg:custom", (message) => {
        if (message.type !== "entries") return;
        entries.all = [...entries.all.slice(0, message.from), ...message.entries];
        update();
      });
      model.on("change:selected", update);
      model.send({ type: "ready" });
    },
    render({ model, el }) {
      const list = new EditList(model, entries);
      lists.add(list);
      el.append(list.root);
      return () => lists.delete(list);
    },
  };
};
