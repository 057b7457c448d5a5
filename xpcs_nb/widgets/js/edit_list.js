// The list of edits: a row for each, the newest on top.

import { button, element } from "./dom.js";
import { keepKeys } from "./keys.js";

class EditList {
  constructor(model, entries) {
    this.model = model;
    this.entries = entries;
    this.rows = [];
    this.empty = element("li", { class: "xnb-empty" }, "No edits yet: choose a tool and draw.");
    this.list = element("ol", { class: "xnb-edits", "aria-label": "edits, the newest first" }, this.empty);
    this.root = element("div", { class: "xnb-edit-list" }, this.list);
    keepKeys();
    this.show();
  }

  // Rows before `from` stay: one stroke after two hundred others is one row.
  show(from = 0) {
    for (const row of this.rows.splice(from)) row.root.remove();
    this.entries.all.slice(from).forEach((entry, i) => {
      const row = this.row(entry, from + i);
      this.rows.push(row);
      this.list.prepend(row.root);
    });
    this.empty.hidden = this.rows.length > 0;
    this.choose();
  }

  choose() {
    const selected = this.model.get("selected");
    this.rows.forEach((row, index) => {
      if (row.chosen === (index === selected)) return;
      row.chosen = index === selected;
      row.root.className = row.chosen ? "xnb-chosen" : this.entries.all[index].on ? "" : "xnb-off";
      row.name.setAttribute("aria-pressed", String(row.chosen));
    });
  }

  row(entry, index) {
    const { model } = this;
    const on = element("input", {
      ...{ type: "checkbox", checked: entry.on, "aria-label": `edit ${index + 1} counts` },
      onchange: () => model.send({ type: "switch", index, on: on.checked }),
    });
    const name = element(
      "button",
      {
        ...{ type: "button", class: "xnb-name", title: entry.label },
        onclick: () => model.send({ type: "select", index: model.get("selected") === index ? -1 : index }),
      },
      element("span", { class: `xnb-mode xnb-mode-${entry.mode || "none"}`, title: entry.mode }),
      `${index + 1}. ${entry.label}`,
    );
    const remove = button("×", `delete edit ${index + 1}`, () => model.send({ type: "delete", index }));
    return { root: element("li", {}, on, name, remove), name, chosen: null };
  }
}

export default () => {
  const entries = { all: [] };
  const lists = new Set();
  return {
    initialize({ model }) {
      model.on("msg:custom", (message) => {
        if (message.type !== "entries") return;
        entries.all = [...entries.all.slice(0, message.from), ...message.entries];
        lists.forEach((list) => list.show(message.from));
      });
      model.on("change:selected", () => lists.forEach((list) => list.choose()));
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
