// uses shared/seen_again
// Draws the cosines as lines; the names stand at the lines' ends.
const $ = (selector) => element.querySelector(selector);
const SVG = "http://www.w3.org/2000/svg";
const HEIGHT = 280;
const MARGIN = { left: 44, right: 116, top: 14, bottom: 44 };
const LABEL_HEIGHT = 20;

function draw(tag, attributes, parent) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent.append(node);
  return node;
}

function showAxes(svg, x, y, low, last, width) {
  for (let value = low; value <= 1; value += 0.5) {
    draw("path", { class: value === 0 ? "grid zero" : "grid", d: `M${MARGIN.left} ${y(value)}H${width - MARGIN.right}` }, svg);
    const label = String(value).replace("-", "−");
    draw("text", { x: MARGIN.left - 8, y: y(value) + 5, "text-anchor": "end" }, svg).textContent = label;
  }
  for (const step of [1, Math.round(last / 2), last]) {
    draw("text", { x: x(step), y: HEIGHT - MARGIN.bottom + 20, "text-anchor": "middle" }, svg).textContent = step;
  }
  draw("text", { x: (MARGIN.left + width - MARGIN.right) / 2, y: HEIGHT - 6, "text-anchor": "middle" }, svg).textContent = "step of the optimisation";
}

// Labels of lines that end close together are pushed apart.
function showEnds(svg, lanes, y, width) {
  const ends = lanes.map((lane) => ({ lane, at: y(lane.points[lane.points.length - 1][1]) }));
  ends.sort((a, b) => a.at - b.at);
  let above = -Infinity;
  let floor = HEIGHT - MARGIN.bottom - LABEL_HEIGHT * (ends.length - 1);
  for (const { lane, at } of ends) {
    above = Math.min(Math.max(at, above + LABEL_HEIGHT), floor);
    floor += LABEL_HEIGHT;
    const label = draw("text", { class: "end", x: width - MARGIN.right + 8, y: above + 5 }, svg);
    label.dataset.style = lane.style;
    label.textContent = lane.name;
  }
}

function showFigure(lanes) {
  const plot = $(".plot");
  plot.replaceChildren();
  const width = plot.clientWidth;
  if (!width) return;
  const words = lanes.map(({ name, figures }) => `${name} from ${figures[0]} to ${figures[2]}`);
  const svg = draw("svg", { viewBox: `0 0 ${width} ${HEIGHT}`, width, height: HEIGHT, role: "img", "aria-label": "Gradient cosine over the steps: " + words.join(", ") }, plot);
  const all = lanes.flatMap(({ points }) => points);
  const low = all.some(([, value]) => value < 0) ? -1 : 0;
  const last = Math.max(...all.map(([step]) => step), 2);
  const x = (step) => MARGIN.left + ((step - 1) / (last - 1)) * (width - MARGIN.left - MARGIN.right);
  const y = (value) => MARGIN.top + ((1 - value) / (1 - low)) * (HEIGHT - MARGIN.top - MARGIN.bottom);
  showAxes(svg, x, y, low, last, width);
  for (const lane of lanes) {
    const points = lane.points.map(([step, value]) => `${x(step).toFixed(1)},${y(value).toFixed(1)}`);
    const line = draw("polyline", { class: "line", points: points.join(" ") }, svg);
    line.dataset.style = lane.style;
  }
  showEnds(svg, lanes, y, width);
}

function cell(row, text, tag = "td") {
  const node = document.createElement(tag);
  node.textContent = text;
  row.append(node);
  return node;
}

function showTable(lanes) {
  $("tbody").replaceChildren();
  for (const { name, style, alpha, figures, paper } of lanes) {
    const row = document.createElement("tr");
    row.dataset.style = style;
    cell(row, name + (alpha ? ", " + alpha : ""), "th").scope = "row";
    for (const figure of figures) cell(row, figure);
    cell(row, paper.length ? paper.join(", ") : "–");
    $("tbody").append(row);
  }
}

function show() {
  const value = props.value || {};
  if (!value.source) return;
  const isKnown = value.source !== "none";
  $(".found").hidden = !isKnown;
  $(".nothing").hidden = isKnown;
  $(".attack").textContent = value.source === "yours" ? "Attack again" : "Go to the Attack page";
  if (!isKnown) return;
  $(".words").textContent = value.words;
  showTable(value.lanes);
  showFigure(value.lanes);
}

$(".attack").addEventListener("click", () => {
  const tabs = [...document.querySelectorAll("[role=tab]")];
  tabs.find((tab) => tab.textContent.trim() === "Attack").click();
  window.scrollTo({ top: 0 });
});

// Asks anew whenever the page comes back to the front: there may be another attack by then.
whenSeen(element, () => trigger("select"));
new ResizeObserver(([{ contentRect }]) => {
  const svg = $(".plot svg");
  if (contentRect.width && Math.round(contentRect.width) !== Number(svg && svg.getAttribute("width"))) show();
}).observe($(".plot"));
watch("value", show);
show();
