// Mouse, pen and fingers: two fingers and the wheel zoom, what one does is the tool's affair.

export class Pointer {
  constructor(stage, view) {
    this.stage = stage;
    this.view = view;
    this.held = new Map();
    this.pinch = null;
    this.tool = null;
    stage.addEventListener("pointerdown", (event) => this.down(event));
    stage.addEventListener("pointermove", (event) => this.move(event));
    for (const end of ["pointerup", "pointercancel"]) stage.addEventListener(end, (event) => this.up(event));
    stage.addEventListener("pointerleave", () => this.view.readout.leave());
    stage.addEventListener("wheel", (event) => this.wheel(event), { passive: false });
    // The right button drags; the menu of the page and that of the notebook would cover the image.
    stage.addEventListener("contextmenu", (event) => {
      event.preventDefault();
      event.stopPropagation();
    });
  }

  place(event) {
    const box = this.stage.getBoundingClientRect();
    return [event.clientX - box.left - this.stage.clientLeft, event.clientY - box.top - this.stage.clientTop];
  }

  // What a tool is told: the place on the screen and in the image, and the keys held.
  point(event) {
    const [sx, sy] = this.place(event);
    const [x, y] = this.view.viewport.toImage(sx, sy);
    const { shiftKey: shift, altKey: alt, pointerType: device } = event;
    return { sx, sy, x, y, shift, alt, device, ctrl: event.ctrlKey || event.metaKey };
  }

  down(event) {
    if (event.target.closest("button, input, select, label")) return;
    this.stage.focus({ preventScroll: true });
    try {
      this.stage.setPointerCapture(event.pointerId);
    } catch (error) {
      if (error.name !== "NotFoundError") throw error; // lifted again already
    }
    this.held.set(event.pointerId, this.place(event));
    if (this.held.size === 2) {
      this.tool?.cancel?.();
      this.tool = null;
      this.pinch = this.fingers();
    }
    if (this.held.size > 1) return;
    const panning = event.button === 1 || event.button === 2;
    this.tool = panning ? this.view.hand : this.view.tool;
    this.tool.down(this.point(event), event);
  }

  move(event) {
    if (this.held.has(event.pointerId)) this.held.set(event.pointerId, this.place(event));
    if (this.pinch) this.follow();
    else if (this.tool) {
      const path = event.getCoalescedEvents?.() ?? [];
      for (const each of path.length > 1 ? path : [event]) this.tool.move(this.point(each));
    } else this.view.tool.hover?.(this.point(event));
    // Last: a tool may have moved the image, and where a pointer is can't be asked for free once the page has changed.
    this.view.readout.show(this.point(event));
  }

  up(event) {
    if (!this.held.delete(event.pointerId)) return;
    if (this.held.size < 2) this.pinch = null;
    if (this.held.size > 0) return;
    const tool = this.tool;
    this.tool = null;
    if (event.type === "pointercancel") tool?.cancel?.();
    else tool?.up?.(this.point(event));
  }

  fingers() {
    const [a, b] = [...this.held.values()];
    return { x: (a[0] + b[0]) / 2, y: (a[1] + b[1]) / 2, apart: Math.hypot(a[0] - b[0], a[1] - b[1]) };
  }

  follow() {
    const now = this.fingers();
    const { viewport } = this.view;
    viewport.pan(now.x - this.pinch.x, now.y - this.pinch.y);
    if (this.pinch.apart > 0) viewport.zoom(now.apart / this.pinch.apart, now.x, now.y);
    this.pinch = now;
    this.view.repaint("view");
  }

  wheel(event) {
    event.preventDefault();
    const step = event.deltaMode === 1 ? event.deltaY * 30 : event.deltaY;
    this.view.viewport.zoom(Math.exp(-step / 400), ...this.place(event));
    this.view.repaint("view");
  }
}

// Drags the image about; a click that does not move picks a pixel.
export class Hand {
  constructor(view) {
    this.view = view;
    this.cursor = "grab";
  }

  down(point, event) {
    this.from = point;
    this.moved = false;
    this.picks = event.button === 0;
  }

  move(point) {
    if (!this.from) return;
    if (Math.hypot(point.sx - this.from.sx, point.sy - this.from.sy) > 3) this.moved = true;
    if (!this.moved) return;
    this.view.viewport.pan(point.sx - this.from.sx, point.sy - this.from.sy);
    this.from = point;
    this.view.repaint("view");
  }

  up(point) {
    if (!this.moved && this.picks) this.view.pick(point);
    this.from = null;
  }

  cancel() {
    this.from = null;
  }
}
