// Draws test accuracy against Acc@1. The lane that is chosen here is told to the other
// components of the page by the event "chosen-lane"; they may tell it back.
const SVG = "http://www.w3.org/2000/svg";
const section = element.querySelector(".scatter");
const plot = element.querySelector(".plot");
const note = element.querySelector(".note");
const MARGIN = { left: 72, right: 18, top: 34, bottom: 52 };
const NARROW = 460; // pixels, where labels must be short
const MAX_LONG_LABELS = 4;
const LETTER_WIDTH = 8.6; // of a label, about
const MARKERS = [
  "M-8 0A8 8 0 1 0 8 0A8 8 0 1 0 -8 0Z",
  "M-7 -7H7V7H-7Z",
  "M0 -9L9 7H-9Z",
  "M0 -10L10 0L0 10L-10 0Z",
  "M0 9L-9 -7H9Z",
  "M-3 -9H3V-3H9V3H3V9H-3V3H-9V-3H-3Z",
];
let chosen = null;

function draw(tag, attributes, parent) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent.append(node);
  return node;
}

function write(text, attributes, parent) {
  draw("text", attributes, parent).textContent = text;
}

// Round numbers that enclose the values: at least `least` wide, never outside 0..1.
function ticks(values, least) {
  const middle = (Math.min(...values) + Math.max(...values)) / 2;
  const width = Math.max(Math.max(...values) - Math.min(...values), least) * 1.25;
  const steps = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.25];
  const step = steps.find((size) => width / size <= 6) || 0.25;
  const first = Math.max(0, Math.floor((middle - width / 2) / step));
  const last = Math.min(Math.round(1 / step), Math.ceil((middle + width / 2) / step));
  const found = [];
  for (let number = first; number <= last; number++) found.push(number * step);
  return { found, digits: step < 0.01 ? 1 : 0 };
}

function showAxes(svg, x, y, scaleX, scaleY, width, height) {
  for (const value of y.found) {
    draw("path", { class: "grid", d: `M${MARGIN.left} ${scaleY(value)}H${width - MARGIN.right}` }, svg);
    write((value * 100).toFixed(y.digits) + "%", { class: "tick", x: MARGIN.left - 8, y: scaleY(value) + 5, "text-anchor": "end" }, svg);
  }
  for (const value of x.found) {
    draw("path", { class: "grid", d: `M${scaleX(value)} ${MARGIN.top}V${height - MARGIN.bottom}` }, svg);
    write((value * 100).toFixed(x.digits) + "%", { class: "tick", x: scaleX(value), y: height - MARGIN.bottom + 20, "text-anchor": "middle" }, svg);
  }
  write("Test accuracy →", { class: "title", x: width - MARGIN.right, y: height - 8, "text-anchor": "end" }, svg);
  write("Acc@1 (leakage) →", { class: "title", transform: `translate(12 ${MARGIN.top}) rotate(-90)`, "text-anchor": "end" }, svg);
}

// Below the points, and never in the way of a click on one.
function showLabel(svg, point, { x, y, text }) {
  if (!text) return;
  const attributes = { class: "label", x, y, "text-anchor": "middle", "aria-hidden": true };
  write(text, { ...attributes, "data-style": point.style }, svg);
}

function showPoint(svg, point, place) {
  const group = draw("g", { class: "point", role: "button", tabindex: 0, "aria-label": point.words }, svg);
  group.dataset.style = point.style;
  group.dataset.lane = point.lane;
  group.setAttribute("aria-pressed", point.lane === chosen);
  draw("title", {}, group).textContent = point.words;
  const { x, y, low, high } = place;
  draw("circle", { class: "target", cx: x, cy: y, r: 22 }, group);
  draw("path", { class: "bar", d: `M${x} ${low}V${high}M${x - 7} ${low}H${x + 7}M${x - 7} ${high}H${x + 7}` }, group);
  draw("path", { class: "marker", d: MARKERS[point.style], transform: `translate(${x} ${y})` }, group);
  group.addEventListener("click", () => choose(point.lane));
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose(point.lane);
  });
}

// Above, beside or below its point: the first place where a label covers nothing else. Points
// without a label (further trainings of a target that has one) tell theirs to a mouse that rests.
function placeLabels(points, places, width) {
  const taken = places.map(({ x, low, high }) => [x - 10, x + 10, high - 3, low + 3]);
  const short = width < NARROW || points.length > MAX_LONG_LABELS;
  return points.map(({ label, alpha }, index) => {
    if (!label) return {};
    const text = short ? label : label + ", " + alpha;
    const half = (text.length * LETTER_WIDTH) / 2 + 4;
    const { x, y, low, high } = places[index];
    const choices = [
      { x, y: high - 8 },
      { x: x + half + 12, y: y + 5 },
      { x: x - half - 12, y: y + 5 },
      { x, y: low + 20 },
      { x, y: low + 38 },
      { x: x - half - 12, y: y - 14 },
      { x: x - half - 12, y: y + 24 },
    ];
    const box = (place) => [place.x - half, place.x + half, place.y - 15, place.y + 4];
    const cost = (place) => {
      const [left, right, top, bottom] = box(place);
      const covered = taken.filter(
        ([l, r, t, b], other) => other !== index && left < r && l < right && top < b && t < bottom,
      );
      const outside = left < 0 || right > width || top < 0;
      return covered.length + (outside ? points.length : 0);
    };
    const best = choices.reduce((best, place) => (cost(place) < cost(best) ? place : best));
    taken.push(box(best));
    return { text, ...best };
  });
}

function show() {
  const points = (props.value && props.value.points) || [];
  section.hidden = points.length === 0;
  note.textContent = (props.value && props.value.note) || "";
  plot.replaceChildren();
  if (!points.length || !plot.clientWidth) return;
  const width = plot.clientWidth;
  const height = Math.round(Math.min(460, Math.max(300, width * 0.66)));
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "group", "aria-label": "Classifiers by test accuracy and leakage" }, plot);
  const x = ticks(points.map((point) => point.x), 0.01);
  const y = ticks(points.flatMap(({ low, high }) => [low, high]), 0.2);
  const scale = ({ found }, from, to) => (value) =>
    from + ((value - found[0]) / (found[found.length - 1] - found[0])) * (to - from);
  const scaleX = scale(x, MARGIN.left + 12, width - MARGIN.right - 12);
  const scaleY = scale(y, height - MARGIN.bottom, MARGIN.top);
  showAxes(svg, x, y, scaleX, scaleY, width, height);
  const places = points.map((point) => ({
    x: scaleX(point.x),
    y: scaleY(point.y),
    low: scaleY(point.low),
    high: scaleY(point.high),
  }));
  const labels = placeLabels(points, places, width);
  points.forEach((point, index) => showLabel(svg, point, labels[index]));
  points.forEach((point, index) => showPoint(svg, point, places[index]));
}

function choose(lane) {
  tell(lane === chosen ? null : lane);
}

function tell(lane) {
  document.dispatchEvent(new CustomEvent("chosen-lane", { detail: { lane, reveal: true } }));
}

document.addEventListener("chosen-lane", ({ detail }) => {
  chosen = detail.lane;
  for (const group of element.querySelectorAll(".point")) {
    group.setAttribute("aria-pressed", group.dataset.lane === chosen);
  }
});

// Other results, or another width.
watch("value", () => {
  tell(null);
  show();
});
new ResizeObserver(([{ contentRect }]) => {
  const svg = plot.firstElementChild;
  if (!svg || Math.round(contentRect.width) !== Number(svg.getAttribute("width"))) show();
}).observe(plot);
show();
