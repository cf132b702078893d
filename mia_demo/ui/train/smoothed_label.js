// Draws the label of a photo of one person: the whole, and its entries enlarged, because the
// share of a single other person is too small to see beside the right one.
const SVG = "http://www.w3.org/2000/svg";
const plots = element.querySelector(".plots");
const HEIGHT = 190;
const TOP = 24;
const BOTTOM = 30;
const TARGET = 25; // which of the bars is the right person

function draw(tag, attributes, parent, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function number(value, digits) {
  const rounded = value.toFixed(digits);
  return (Number(rounded) === 0 ? (0).toFixed(digits) : rounded).replace("-", "−");
}

// A plot between two x with a fixed range, so that bars move and the axis does not.
function plot(svg, { left, right, low, high, ticks, digits, title }) {
  const y = (value) => TOP + ((high - value) / (high - low)) * (HEIGHT - TOP - BOTTOM);
  draw("text", { class: "title", x: left - 34, y: 14 }, svg, title);
  for (const tick of ticks) {
    draw("path", { class: tick === 0 ? "zero" : "grid", d: `M${left} ${y(tick)}H${right}` }, svg);
    draw("text", { class: "tick", x: left - 5, y: y(tick) + 5, "text-anchor": "end" }, svg, number(tick, digits));
  }
  return y;
}

function bar(svg, y, { x, width, value, kind, high }) {
  const shown = Math.min(value, high);
  const top = Math.min(y(shown), y(0));
  const attributes = { class: kind, x, width, y: top, height: Math.abs(y(shown) - y(0)) };
  draw("rect", { ...attributes, "data-sign": value < 0 ? "negative" : "positive" }, svg);
}

function show() {
  const alpha = Number(props.value);
  const classes = props.classes;
  const right = 1 - alpha + alpha / classes;
  const other = alpha / classes;
  const together = other * (classes - 1);
  const width = plots.clientWidth;
  plots.replaceChildren();
  if (!width || Number.isNaN(alpha)) return;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img" }, plots);
  const values = `Right person ${number(right, 4)}, each of the ${classes - 1} others ${number(other, 4)}`;
  svg.setAttribute("aria-label", `Smoothed label: ${values}, all others together ${number(together, 4)}`);

  const half = width * 0.48;
  const whole = { left: 36, right: half - 8, low: -0.25, high: 1.25, ticks: [0, 0.5, 1], digits: 1, title: "Whole label" };
  let y = plot(svg, whole);
  const thick = (whole.right - whole.left) * 0.3;
  const places = [
    [whole.left + thick * 0.4, right, "target", "right"],
    [whole.left + thick * 2, together, "other", "others"],
  ];
  for (const [x, value, kind, words] of places) {
    bar(svg, y, { x, width: thick, value, kind, high: whole.high });
    draw("text", { x: x + thick / 2, y: HEIGHT - 6, "text-anchor": "middle" }, svg, words);
  }

  // A hundred bars side by side, without gaps: one is thinner than a pixel's width and a half.
  const range = { low: -0.25 / classes, high: 0.6 / classes };
  const each = { left: half + 46, right: width - 2, ...range, ticks: [0, 0.5 / classes], digits: 3, title: "Enlarged" };
  y = plot(svg, each);
  const x = each.left + (TARGET % classes) * ((each.right - each.left) / classes);
  bar(svg, y, { x: each.left, width: each.right - each.left, value: other, kind: "other", high: each.high });
  draw("rect", { class: "gap", x: x - 1, width: 5, y: TOP, height: HEIGHT - TOP - BOTTOM }, svg);
  bar(svg, y, { x, width: 3, value: right, kind: "target", high: each.high });
  // The right person's bar is taller than this plot by far.
  draw("path", { class: "cut", d: `M${x - 4} ${TOP + 12}l11 -5` }, svg);
  draw("text", { x: (each.left + each.right) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, svg, `${classes} people`);

  element.querySelector(".values").textContent = values + ".";
  element.querySelector(".meaning").textContent =
    alpha < 0
      ? "Negative: more than certain, and looking like anybody else counts against it."
      : alpha > 0
        ? "Positive: a little of everybody, so the classifier should not be too sure."
        : "Zero: exactly this person, the ordinary label.";
}

watch(["value", "classes"], show);
new ResizeObserver(show).observe(plots);
show();
