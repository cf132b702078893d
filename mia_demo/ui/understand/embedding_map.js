// uses shared/elements shared/seen_again
// Draws one map a lane: training images as marks, reconstructions as small pictures.
const $ = (selector) => element.querySelector(selector);
const SVG = "http://www.w3.org/2000/svg";
const SIZE = 300;
const MARGIN = 20;
const PICTURE = 30;
const MARKERS = [
  "M-4 0A4 4 0 1 0 4 0A4 4 0 1 0 -4 0Z",
  "M-3.5 -3.5H3.5V3.5H-3.5Z",
  "M0 -4.6L4.4 3.4H-4.4Z",
  "M0 -5L5 0L0 5L-5 0Z",
  "M0 4.6L-4.4 -3.4H4.4Z",
  "M-1.5 -4.5H1.5V-1.5H4.5V1.5H1.5V4.5H-1.5V1.5H-4.5V-1.5H-1.5Z",
];

function draw(tag, attributes, parent) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  parent.append(node);
  return node;
}

function showPeople(identities) {
  $(".people").replaceChildren();
  identities.forEach(({ number, uri }, person) => {
    const item = make("li", "", $(".people"));
    item.dataset.person = person;
    const mark = draw("svg", { viewBox: "-6 -6 12 12", "aria-hidden": true }, item);
    draw("path", { class: "mark", d: MARKERS[person] }, mark);
    const photo = make("img", "", item);
    photo.src = uri;
    photo.alt = "";
    make("span", "", item).textContent = "identity " + number;
  });
}

// The same scale in both directions, and room for the pictures.
function scaleOf(lane) {
  const places = [...lane.points, ...lane.landed.map(({ x, y }) => [x, y])];
  const range = (axis) => {
    const values = places.map((place) => place[axis]);
    return [Math.min(...values), Math.max(...values)];
  };
  const [[left, right], [low, high]] = [range(0), range(1)];
  const span = Math.max(right - left, high - low) || 1;
  const size = (SIZE - 2 * MARGIN) / span;
  return ([x, y]) => [
    SIZE / 2 + (x - (left + right) / 2) * size,
    SIZE / 2 - (y - (low + high) / 2) * size,
  ];
}

function showLane(lane) {
  const figure = make("figure", "map", $(".maps"));
  figure.dataset.style = lane.style;
  const caption = make("figcaption", "", figure);
  make("strong", "", caption).textContent = lane.name;
  make("span", "", caption).textContent = lane.alpha;
  const box = `0 0 ${SIZE} ${SIZE}`;
  const svg = draw("svg", { viewBox: box, role: "img", "aria-label": lane.words }, figure);
  const at = scaleOf(lane);
  for (const [x, y, person] of lane.points) {
    const [left, top] = at([x, y]);
    const mark = draw("path", { class: "mark", d: MARKERS[person], transform: `translate(${left} ${top})` }, svg);
    mark.dataset.person = person;
  }
  for (const { x, y, person, uri, title } of lane.landed) {
    const [left, top] = at([x, y]);
    const corner = { x: left - PICTURE / 2, y: top - PICTURE / 2, width: PICTURE, height: PICTURE };
    const group = draw("g", { class: "landed" }, svg);
    group.dataset.person = person;
    draw("title", {}, group).textContent = title;
    draw("image", { ...corner, href: uri }, group);
    draw("rect", { ...corner, rx: 2 }, group);
  }
}

function showFigures(lanes) {
  $("tbody").replaceChildren();
  for (const { name, style, figures } of lanes) {
    const row = make("tr", "", $("tbody"));
    row.dataset.style = style;
    const heading = make("th", "lane", row);
    heading.scope = "row";
    heading.textContent = name;
    for (const figure of figures) make("td", "", row).textContent = figure;
  }
}

function show() {
  const value = props.value || {};
  if (!value.phase) return;
  element.querySelector(".embedding").dataset.phase = value.phase;
  $(".status").textContent = value.status;
  if (value.phase !== "done") return;
  showPeople(value.identities);
  $(".maps").replaceChildren();
  value.lanes.forEach(showLane);
  showFigures(value.lanes);
  $(".finding").textContent = value.finding;
  $(".scroller").hidden = false;
}

whenSeen(element, () => trigger("select"));
watch("value", show);
show();
