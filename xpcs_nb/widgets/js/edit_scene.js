// The scene of the editor: also the edits, what there is to say, and what has grown old.

import { Scene } from "./scene.js";

// Milliseconds without a new edit after which bins and maps are asked for.
const REST = 250;

export class EditScene extends Scene {
  constructor(model) {
    super(model);
    this.shapes = [];
    this.history = { undo: false, redo: false };
    this.said = [];
    this.wanted = new Set();
    this.timer = 0;
    this.busy = false;
    model.on("change:selected", () => this.changed("shapes"));
    model.on("change:tool change:mode change:brush", () => this.changed("tools"));
  }

  take_shapes(message) {
    this.shapes = [...this.shapes.slice(0, message.from), ...message.shapes];
    this.changed("answered");
  }

  take_history(message) {
    this.history = message;
    this.changed("tools");
  }

  take_said(message) {
    this.said = message.said;
    this.changed("said");
    if (message.said.some((entry) => entry.level === "error")) this.changed("answered");
  }

  // Bins and maps take a while to work out; they can wait until the pen rests.
  take_stale(message) {
    for (const each of message.what) this.wanted.add(each);
    this.askSoon();
  }

  askSoon() {
    clearTimeout(this.timer);
    this.timer = setTimeout(() => {
      if (this.busy) return this.askSoon();
      // Nobody looks: a view that comes asks again.
      if (!this.listeners.size) return;
      const what = [...this.wanted];
      this.wanted.clear();
      if (what.length) this.model.send({ type: "wanted", what });
    }, REST);
  }

  get selected() {
    return this.shapes[this.model.get("selected")] ?? null;
  }
}
