// uses shared/elements shared/charts
// Draws test accuracy against Acc@1. The lane that is chosen here is told to the other
// components of the page by the event "chosen-lane"; they may tell it back.
const plot = $(".plot");
const NARROW = 460; // pixels, where labels must be short
const MAX_LONG_LABELS = 4;
const LETTER_WIDTH = 8.6; // of a label, about
const AXIS_WIDTH = 84; // of the values to the left, which no label may cover
let chosen = null;

// Shares that enclose the values with some room, on an axis at least `least` wide, and round ones
// within, in at most `most` steps.
function axis(values, least, most) {
  const [low, high] = [Math.min(...values), Math.max(...values)];
  const half = Math.max(high - low, least) * 0.6;
  const middle = (low + high) / 2;
  const range = [Math.max(0, middle - half), Math.min(1, middle + half)];
  const { found, digits } = ticks(...range, most);
  const within = found.filter((value) => value >= range[0] - 1e-9 && value <= range[1] + 1e-9);
  return { found: within, range, text: (value) => (value * 100).toFixed(Math.max(0, digits - 2)) + "%" };
}

function showPoint(area, point, { x, y }) {
  const group = draw("g", { class: "point", role: "button", tabindex: 0, "aria-label": point.words }, area.svg);
  group.dataset.style = point.style;
  group.dataset.lane = point.lane;
  group.setAttribute("aria-pressed", point.lane === chosen);
  draw("title", {}, group, point.words);
  draw("circle", { class: "target", cx: x, cy: y, r: 22 }, group);
  area.interval(point.x, point.low, point.high, group);
  mark(point.style, x, y, group);
  const choose = () => tell(point.lane === chosen ? null : point.lane);
  group.addEventListener("click", choose);
  group.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" && event.key !== " ") return;
    event.preventDefault();
    choose();
  });
}

// Above, beside or below its point: the first place where a label covers nothing else. Points
// without a label (further trainings of a labelled target) show theirs as a tooltip.
function placeLabels(points, places, width) {
  const taken = places.map(({ x, low, high }) => [x - 10, x + 10, high - 3, low + 3]);
  const short = width < NARROW || points.length > MAX_LONG_LABELS;
  return points.map(({ label, alpha }, index) => {
    if (!label) return null;
    const text = short ? label : label + ", " + alpha;
    const half = (text.length * LETTER_WIDTH) / 2 + 4;
    const { x, y, low, high } = places[index];
    const side = half + 12;
    const choices = [
      [x, high - 8], [x + side, y + 5], [x - side, y + 5], [x, low + 20], [x, low + 38],
      [x - side, y - 14], [x - side, y + 24],
    ];
    const box = ([across, base]) => [across - half, across + half, base - 15, base + 4];
    const cost = (place) => {
      const [left, right, top, bottom] = box(place);
      const covered = taken.filter(
        ([l, r, t, b], other) => other !== index && left < r && l < right && top < b && t < bottom,
      );
      const outside = left < AXIS_WIDTH || right > width || top < 0;
      return covered.length + (outside ? points.length : 0);
    };
    const best = choices.reduce((best, place) => (cost(place) < cost(best) ? place : best));
    taken.push(box(best));
    return { text, x: best[0], y: best[1] };
  });
}

function show() {
  const { points = [], note = "" } = props.value || {};
  $(".scatter").hidden = points.length === 0;
  setText(".note", note);
  plot.replaceChildren();
  if (!points.length) return;
  const x = axis(points.map((point) => point.x), 0.004, Math.ceil(plot.clientWidth / 120));
  const y = axis(points.flatMap(({ low, high }) => [low, high]), 0.2, 6);
  const height = Math.round(Math.min(460, Math.max(300, plot.clientWidth * 0.66)));
  const label = "Classifiers by test accuracy and leakage";
  const room = { left: AXIS_WIDTH, right: 30, top: 34, bottom: 52 };
  const area = chart(plot, { label, role: "group", height, x: x.range, y: y.range, ...room });
  if (!area) return;
  area.rows(y.found, y.text);
  area.columns(x.found, x.text, true);
  const title = { class: "title", "text-anchor": "end" };
  area.write("Test accuracy →", { ...title, x: area.width - 18, y: height - 8 });
  area.write("Acc@1 (leakage) →", { ...title, transform: "translate(12 34) rotate(-90)" });
  const places = points.map((point) => ({
    x: area.x(point.x), y: area.y(point.value), low: area.y(point.low), high: area.y(point.high),
  }));
  // Labels lie below the points, and never in the way of a click on one.
  placeLabels(points, places, area.width).forEach((place, index) => {
    if (!place) return;
    const { text, ...at } = place;
    area.write(text, { class: "label", ...at, "text-anchor": "middle", "aria-hidden": true, "data-style": points[index].style });
  });
  points.forEach((point, index) => showPoint(area, point, places[index]));
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
watch("value", () => {
  tell(null);
  show();
});
show();
drawInto(plot, show);
