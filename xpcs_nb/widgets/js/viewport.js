// Which part of the image is seen: `scale` screen pixels to an image pixel, (left, top) in the corner of the canvas.
// Pixel centres are at integers, so the frame reaches from -0.5 to its size - 0.5.

export class Viewport {
  constructor(flipped) {
    this.flipped = flipped;
    Object.assign(this, { scale: 1, left: -0.5, top: -0.5, width: 1, height: 1, rows: 1, columns: 1, fitted: true });
  }

  resize(width, height) {
    if (width < 1 || height < 1) return;
    const [x, y] = this.toImage(this.width / 2, this.height / 2);
    Object.assign(this, { width, height });
    if (this.fitted) this.fit();
    else this.center(x, y);
  }

  setFrame(rows, columns) {
    Object.assign(this, { rows, columns });
    this.fit();
  }

  fit() {
    this.scale = Math.min(this.width / this.columns, this.height / this.rows);
    this.center((this.columns - 1) / 2, (this.rows - 1) / 2);
    this.fitted = true;
  }

  center(x, y) {
    this.left = x - this.width / 2 / this.scale;
    this.top = this.flipped ? y + this.height / 2 / this.scale : y - this.height / 2 / this.scale;
  }

  toImage(sx, sy) {
    return [this.left + sx / this.scale, this.flipped ? this.top - sy / this.scale : this.top + sy / this.scale];
  }

  toScreen(x, y) {
    return [(x - this.left) * this.scale, (this.flipped ? this.top - y : y - this.top) * this.scale];
  }

  zoom(factor, sx = this.width / 2, sy = this.height / 2) {
    const [x, y] = this.toImage(sx, sy);
    const smallest = Math.min(this.width / this.columns, this.height / this.rows) / 4;
    this.scale = Math.min(Math.max(this.scale * factor, smallest), 80);
    const [nx, ny] = this.toImage(sx, sy);
    this.left += x - nx;
    this.top += y - ny;
    this.fitted = false;
  }

  pan(dx, dy) {
    this.left -= dx / this.scale;
    this.top += (this.flipped ? dy : -dy) / this.scale;
    this.fitted = false;
  }

  show(x0, y0, x1, y1) {
    this.scale = Math.min(this.width / Math.max(Math.abs(x1 - x0), 1), this.height / Math.max(Math.abs(y1 - y0), 1), 80);
    this.center((x0 + x1) / 2, (y0 + y1) / 2);
    this.fitted = false;
  }
}
