// uses shared/elements shared/charts shared/seen_again
// Draws one map per lane: training photos as marks, reconstructions as small pictures.
const SIZE = 300;
const MARGIN = 20;
const PICTURE = 30;
const MARK = 0.5; // of a marker's size

function showPeople(identities) {
  $(".people").replaceChildren();
  identities.forEach(({ number, uri }, person) => {
    const item = make("li", "marked", $(".people"));
    item.dataset.person = person;
    mark(person, 0, 0, draw("svg", { viewBox: "-6 -6 12 12", "aria-hidden": true }, item), MARK);
    picture(item, uri, "");
    make("span", "", item, "identity " + number);
  });
}

// As many units per pixel across as up, and room for the pictures.
function scaleOf(lane) {
  const places = [...lane.points, ...lane.landed.map(({ x, y }) => [x, y])];
  const [across, up] = [0, 1].map((axis) => places.map((place) => place[axis]));
  const [left, right, low, high] = [Math.min(...across), Math.max(...across), Math.min(...up), Math.max(...up)];
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
  make("strong", "", caption, lane.name);
  make("span", "", caption, lane.alpha);
  const svg = draw("svg", { viewBox: `0 0 ${SIZE} ${SIZE}`, role: "img", "aria-label": lane.words }, figure);
  const at = scaleOf(lane);
  for (const [x, y, person] of lane.points) mark(person, ...at([x, y]), svg, MARK, { "data-person": person });
  for (const { x, y, person, uri, title } of lane.landed) {
    const [left, top] = at([x, y]);
    const corner = { x: left - PICTURE / 2, y: top - PICTURE / 2, width: PICTURE, height: PICTURE };
    const group = draw("g", { class: "landed", "data-person": person }, svg);
    draw("title", {}, group, title);
    draw("image", { ...corner, href: uri }, group);
    draw("rect", { ...corner, rx: 2 }, group);
  }
}

function show() {
  const value = props.value || {};
  if (!value.phase) return;
  $(".embedding").dataset.phase = value.phase;
  setText(".status", value.status);
  if (value.phase !== "done") return;
  showPeople(value.identities);
  $(".maps").replaceChildren();
  value.lanes.forEach(showLane);
  $("tbody").replaceChildren();
  for (const { name, style, figures } of value.lanes) row($("tbody"), name, figures, style);
  setText(".finding", value.finding);
  $(".scroller").hidden = false;
}

whenSeen(element, () => trigger("select"));
watch("value", show);
show();
