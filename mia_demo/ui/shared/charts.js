// Charts: the only script that makes SVG elements. base.css gives lines and marks their colours,
// by class and data-style.
const SVG = "http://www.w3.org/2000/svg";
// A shape per style, to be told apart without colour; each is 16 to 20 wide.
const MARKERS = [
  "M-8 0A8 8 0 1 0 8 0A8 8 0 1 0 -8 0Z",
  "M-7 -7H7V7H-7Z",
  "M0 -9L9 7H-9Z",
  "M0 -10L10 0L0 10L-10 0Z",
  "M0 9L-9 -7H9Z",
  "M-3 -9H3V-3H9V3H3V9H-3V3H-9V-3H-3Z",
  "M9 0L-7 -9V9Z",
  "M-9 0L7 -9V9Z",
  "M0 -10L9 -3L6 8H-6L-9 -3Z",
  "M-5 -8H5L10 0L5 8H-5L-10 0Z",
  "M-9 -5H9V5H-9Z",
  "M-5 -9H5V9H-5Z",
];
const END_GAP = 20; // pixels between names beside the ends of lines

function draw(tag, attributes, parent, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function mark(shape, x, y, parent, size = 1, attributes = {}) {
  const place = `translate(${x} ${y}) scale(${size})`;
  return draw("path", { class: "mark", d: MARKERS[shape], transform: place, ...attributes }, parent);
}

// With a true minus sign, and none before zero.
function fixed(value, digits) {
  const text = value.toFixed(digits);
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

// Round numbers that enclose low and high, with no more than `most` steps between them.
function ticks(low, high, most) {
  const width = Math.max(high - low, 1e-6);
  const power = 10 ** Math.floor(Math.log10(width / most));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => width / size <= most);
  const found = [];
  for (let n = Math.floor(low / step + 1e-9); n <= Math.ceil(high / step - 1e-9); n++) found.push(n * step);
  return { found, digits: Math.max(0, -Math.floor(Math.log10(step) + 1e-9)) };
}

// An empty chart as wide as its plot; null while another page hides it.
// x and y: the [lowest, highest] values, at the edges that left, right, top and bottom leave.
function chart(plot, { label, height, x, y, left = 52, right = 8, top = 10, bottom = 24, role = "img" }) {
  plot.replaceChildren();
  const width = plot.clientWidth;
  if (!width) return null;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role }, plot);
  if (label) svg.setAttribute("aria-label", label);
  else svg.setAttribute("aria-hidden", true);
  const atX = (value) => left + ((value - x[0]) / (x[1] - x[0])) * (width - left - right);
  const atY = (value) => top + ((y[1] - value) / (y[1] - y[0])) * (height - top - bottom);
  const write = (text, place, parent = svg) => draw("text", place, parent, text);

  return {
    svg, width, height, x: atX, y: atY, write,
    // Grid lines at these heights, with their values to the left.
    rows(values, text) {
      for (const value of values) {
        draw("path", { class: value === 0 ? "grid zero" : "grid", d: `M${left} ${atY(value)}H${width - right}` }, svg);
        write(text(value), { class: "tick", x: left - 6, y: atY(value) + 5, "text-anchor": "end" });
      }
    },
    // Values below the chart, with grid lines if wanted.
    columns(values, text, isGrid = false) {
      for (const value of values) {
        if (isGrid) draw("path", { class: "grid", d: `M${atX(value)} ${top}V${height - bottom}` }, svg);
        write(text(value), { class: "tick", x: atX(value), y: height - bottom + 19, "text-anchor": "middle" });
      }
    },
    line(points, attributes) {
      const places = points.map(([across, up]) => `${atX(across).toFixed(1)},${atY(up).toFixed(1)}`);
      draw("polyline", { class: "line", points: places.join(" "), ...attributes }, svg);
    },
    // From the zero line to a value, no further than the chart reaches; width in pixels.
    bar(across, width, value, attributes) {
      const [from, to] = [atY(0), atY(Math.min(value, y[1]))];
      const place = { x: across, width, y: Math.min(from, to), height: Math.abs(to - from) };
      draw("rect", { ...place, "data-sign": value < 0 ? "negative" : "positive", ...attributes }, svg);
    },
    interval(across, low, high, parent = svg) {
      const [at, from, to] = [atX(across), atY(low), atY(high)];
      draw("path", { class: "interval", d: `M${at} ${from}V${to}M${at - 7} ${from}h14M${at - 7} ${to}h14` }, parent);
    },
    // Names beside the ends of lines, pushed apart where they would overlap: {text, style, value}.
    ends(entries) {
      let above = -Infinity;
      let floor = height - bottom - END_GAP * (entries.length - 1);
      for (const { text, style, value } of [...entries].sort((one, other) => other.value - one.value)) {
        above = Math.min(Math.max(atY(value), above + END_GAP), floor);
        floor += END_GAP;
        write(text, { class: "end", "data-style": style, x: width - right + 8, y: above + 5 });
      }
    },
  };
}

// The sample of a line in a legend.
function sample(parent, attributes) {
  const svg = draw("svg", { width: 28, height: 12, "aria-hidden": true }, parent);
  draw("path", { class: "line", d: "M0 6H28", ...attributes }, svg);
}

// Draws anew when there is more or less room; what changed without any is drawn when there is some.
function drawInto(plot, show) {
  let width = 0;
  new ResizeObserver(([{ contentRect }]) => {
    const now = Math.round(contentRect.width);
    if (now === width) return;
    width = now;
    show();
  }).observe(plot);
}

