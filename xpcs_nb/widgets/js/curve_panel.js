// One panel: its ranges, its place on the canvas, and how it is drawn.

import { axisTicks } from "./ticks.js";

const FONT = "11px system-ui, sans-serif";

export class CurvePanel {
  constructor(told) {
    Object.assign(this, told);
    this.logs = [told.log.includes("x"), told.log.includes("y")];
    this.whole = this.ranges();
    this.range = this.whole;
  }

  // Lowest and highest x and y of what counts, with a margin.
  ranges() {
    return [this.fit("x", this.logs[0], this.xlim), this.fit("y", this.logs[1], this.ylim)];
  }

  fit(name, log, given) {
    if (given && given[1] > given[0]) return given;
    let [low, high] = [Infinity, -Infinity];
    for (const curve of this.curves) {
      if (curve.style === "open" && name === "y") continue;
      for (let i = 0; i < curve.n; i += 1) {
        const value = curve[name][i];
        if (!Number.isFinite(value) || (log && value <= 0) || !Number.isFinite(curve.x[i])) continue;
        const err = name === "y" && curve.err && Number.isFinite(curve.err[i]) && !log ? Math.min(curve.err[i], Math.abs(value)) : 0;
        low = Math.min(low, value - err);
        high = Math.max(high, value + err);
      }
    }
    if (low > high) return log ? [1, 10] : [0, 1];
    if (log) {
      const margin = Math.max((high / low) ** 0.04, 1.02);
      return [low / margin, high * margin];
    }
    const margin = 0.06 * (high - low) || 0.05 * Math.abs(high) || 0.5;
    return [low - margin, high + margin];
  }

  place(left, top, width, height) {
    const titled = (this.title ? 14 : 0) + (this.note ? 13 : 0);
    this.cell = { left, top, width, height };
    const axis = 46 + (this.ylabel ? 12 : 0);
    this.box = { left: left + axis, top: top + 5 + titled, width: width - axis - 10, height: height - titled - 25 - (this.xlabel ? 14 : 0) };
  }

  toX(value) { return this.box.left + this.box.width * this.fraction(value, 0); }
  toY(value) { return this.box.top + this.box.height * (1 - this.fraction(value, 1)); }

  fraction(value, axis) {
    const [low, high] = this.range[axis];
    return this.logs[axis] ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low);
  }

  value(share, axis) {
    const [low, high] = this.range[axis];
    return this.logs[axis] ? low * (high / low) ** share : low + share * (high - low);
  }

  inside(x, y) {
    const { left, top, width, height } = this.cell;
    return x >= left && x < left + width && y >= top && y < top + height;
  }

  // What is nearest to a place on the canvas, within some pixels.
  nearest(x, y) {
    let found = null;
    let least = 24 ** 2;
    for (const curve of this.curves) {
      for (let i = 0; i < curve.n; i += 1) {
        const distance = (this.toX(curve.x[i]) - x) ** 2 + (this.toY(curve.y[i]) - y) ** 2;
        if (distance < least) {
          least = distance;
          found = { label: curve.label, x: curve.x[i], y: curve.y[i], err: curve.err ? curve.err[i] : null };
        }
      }
    }
    return found;
  }

  draw(pen, colours) {
    const { box } = this;
    if (box.width < 10 || box.height < 10) return;
    pen.font = FONT;
    this.frame(pen, colours);
    pen.save();
    pen.beginPath();
    pen.rect(box.left, box.top, box.width, box.height);
    pen.clip();
    for (const curve of this.curves) this.curve(pen, curve, colours);
    pen.restore();
    this.legend(pen, colours);
  }

  frame(pen, colours) {
    const { box, cell } = this;
    pen.strokeStyle = colours.axis;
    pen.fillStyle = colours.text;
    pen.lineWidth = 1;
    pen.strokeRect(box.left + 0.5, box.top + 0.5, box.width, box.height);
    pen.textAlign = "center";
    pen.textBaseline = "top";
    for (const tick of axisTicks(...this.range[0], this.logs[0], box.width / 55)) {
      const x = this.toX(tick.value);
      line(pen, x, box.top + box.height, x, box.top + box.height - 4);
      pen.fillText(tick.text, x, box.top + box.height + 4);
    }
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    for (const tick of axisTicks(...this.range[1], this.logs[1], box.height / 28)) {
      const y = this.toY(tick.value);
      line(pen, box.left, y, box.left + 4, y);
      pen.fillText(tick.text, box.left - 4, y);
    }
    pen.textAlign = "center";
    pen.textBaseline = "top";
    const middle = box.left + box.width / 2;
    if (this.title) pen.fillText(this.title, middle, cell.top + 2, cell.width - 4);
    if (this.note) {
      pen.fillStyle = colours.faint;
      pen.fillText(this.note, middle, cell.top + (this.title ? 15 : 2), cell.width - 4);
      pen.fillStyle = colours.text;
    }
    if (this.xlabel) pen.fillText(this.xlabel, middle, box.top + box.height + 18, box.width + 40);
    if (this.ylabel) {
      pen.save();
      pen.translate(cell.left + 2, box.top + box.height / 2);
      pen.rotate(-Math.PI / 2);
      pen.fillText(this.ylabel, 0, 0, box.height + 30);
      pen.restore();
    }
  }

  curve(pen, curve, colours) {
    pen.strokeStyle = pen.fillStyle = curve.style === "open" ? colours.faint : curve.colour;
    if (curve.style === "line" || curve.style === "both") this.line(pen, curve);
    if (curve.style === "line") return;
    pen.lineWidth = 1;
    for (let i = 0; i < curve.n; i += 1) {
      const [x, y] = [this.toX(curve.x[i]), this.toY(curve.y[i])];
      if (!Number.isFinite(x) || !Number.isFinite(y)) continue;
      if (curve.err && Number.isFinite(curve.err[i])) {
        const low = curve.y[i] - curve.err[i];
        const bottom = this.logs[1] && low <= 0 ? this.box.top + this.box.height : this.toY(low);
        line(pen, x, bottom, x, this.toY(curve.y[i] + curve.err[i]));
      }
      pen.beginPath();
      pen.arc(x, y, 2, 0, 2 * Math.PI);
      if (curve.style === "open") pen.stroke();
      else pen.fill();
    }
  }

  line(pen, curve) {
    pen.lineWidth = 1.4;
    pen.beginPath();
    let down = false;
    for (let i = 0; i < curve.n; i += 1) {
      const [x, y] = [this.toX(curve.x[i]), this.toY(curve.y[i])];
      const good = Number.isFinite(x) && Number.isFinite(y);
      if (good && down) pen.lineTo(x, y);
      else if (good) pen.moveTo(x, y);
      down = good;
    }
    pen.stroke();
  }

  legend(pen, colours) {
    const named = this.curves.filter((curve) => curve.label);
    if (named.length < 2 || named.length > 14 || this.box.height < 14 * named.length + 30) return;
    pen.textAlign = "right";
    pen.textBaseline = "middle";
    named.forEach((curve, number) => {
      const y = this.box.top + 12 + 14 * number;
      const right = this.box.left + this.box.width - 8;
      pen.fillStyle = curve.colour;
      pen.fillRect(right - 12, y - 2, 12, 4);
      pen.fillStyle = colours.text;
      pen.fillText(curve.label, right - 17, y, this.box.width - 40);
    });
  }
}

function line(pen, x0, y0, x1, y1) {
  pen.beginPath();
  pen.moveTo(x0, y0);
  pen.lineTo(x1, y1);
  pen.stroke();
}
