// A line that runs from right to left, drawn on a canvas from the points of the last half minute.

const SPAN = 30; // seconds

export class Chart {
  #canvas;
  #points = []; // [second, value]
  #due = false;

  constructor(canvas) {
    this.#canvas = canvas;
    new ResizeObserver(() => this.#draw()).observe(canvas);
  }

  get length() {
    return this.#points.length;
  }

  add(second, value) {
    if (this.#points.length && second < this.#points.at(-1)[0]) this.#points = []; // another server
    this.#points.push([second, value]);
    while (this.#points[0][0] < second - SPAN) this.#points.shift();
    this.redraw();
  }

  redraw() {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => this.#draw());
  }

  #draw() {
    this.#due = false;
    const canvas = this.#canvas;
    const scale = devicePixelRatio;
    const [width, height] = [canvas.clientWidth, canvas.clientHeight];
    canvas.width = width * scale;
    canvas.height = height * scale;
    const context = canvas.getContext("2d");
    context.scale(scale, scale);
    const style = getComputedStyle(canvas);
    const [ink, line, accent] = ["--faint", "--line", "--accent"].map((name) => {
      const probe = document.createElement("i");
      probe.style.color = `var(${name})`;
      canvas.after(probe);
      const colour = getComputedStyle(probe).color;
      probe.remove();
      return colour;
    });
    const most = Math.max(10, ...this.#points.map(([, value]) => value)) * 1.15;
    const x = (second) => width - ((this.#points.at(-1)?.[0] ?? 0) - second) * (width / SPAN);
    const y = (value) => height - 14 - (value / most) * (height - 26);

    context.font = `11px ${style.fontFamily}`;
    context.fillStyle = ink;
    context.strokeStyle = line;
    for (const part of [0, 0.5, 1]) {
      const value = (most / 1.15) * part;
      context.beginPath();
      context.moveTo(0, y(value));
      context.lineTo(width, y(value));
      context.stroke();
      context.fillText(`${Math.round(value)} / s`, 2, y(value) - 3);
    }
    if (this.#points.length < 2) return;
    context.beginPath();
    for (const [second, value] of this.#points) context.lineTo(x(second), y(value));
    context.strokeStyle = accent;
    context.lineWidth = 2;
    context.lineJoin = "round";
    context.stroke();
    context.lineTo(width, y(0));
    context.lineTo(x(this.#points[0][0]), y(0));
    context.globalAlpha = 0.14;
    context.fillStyle = accent;
    context.fill();
  }
}
