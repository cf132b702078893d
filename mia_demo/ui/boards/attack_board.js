// uses shared/elements boards/replay_player
// Fills the board from the value, reusing elements so that pictures change without flicker.
const board = element.querySelector(".board");
const columns = element.querySelector(".columns");
const photos = element.querySelector(".photos");
const SVG = "http://www.w3.org/2000/svg";

function setText(node, text) {
  if (node.textContent !== text) node.textContent = text;
}

// As many <img> in the parent as there are pictures.
function showPictures(parent, pictures) {
  while (parent.children.length > pictures.length) parent.lastElementChild.remove();
  while (parent.children.length < pictures.length) make("img", "", parent);
  pictures.forEach(({ uri, alt }, index) => {
    const image = parent.children[index];
    if (image.src !== uri) image.src = uri;
    if (image.alt !== alt) image.alt = alt;
  });
}

// With a true minus sign, and none before zero.
function signed(value) {
  const text = value.toFixed(2);
  return Number(text) === 0 ? "0.00" : text.replace("-", "−");
}

function makeLane(name) {
  const column = make("article", "column lane", columns);
  column.dataset.lane = name;
  const title = make("h3", "", column);
  title.id = photos.getAttribute("aria-labelledby") + "-" + name;
  column.setAttribute("aria-labelledby", title.id);
  column.append(swatch());
  make("span", "name", title);
  make("span", "alpha", title);
  make("p", "facts", column);
  make("div", "portrait", column);
  const result = make("div", "result", column);
  const head = make("p", "confidence", result);
  make("span", "", head);
  make("strong", "", head);
  const meter = make("div", "meter", result);
  meter.setAttribute("role", "meter");
  meter.setAttribute("aria-label", "Target confidence of lane " + name);
  meter.setAttribute("aria-valuemin", "0");
  meter.setAttribute("aria-valuemax", "100");
  make("div", "fill", meter);
  const verdict = make("p", "verdict", result);
  make("span", "judge", verdict).textContent = "Evaluator: ";
  make("span", "words", verdict);
  make("span", "certainty", verdict);
  make("div", "others", column);
  make("p", "note", column);
  return column;
}

function swatch() {
  const svg = document.createElementNS(SVG, "svg");
  svg.setAttribute("class", "swatch");
  svg.setAttribute("viewBox", "0 0 100 4");
  svg.setAttribute("preserveAspectRatio", "none");
  svg.setAttribute("aria-hidden", "true");
  const line = document.createElementNS(SVG, "path");
  line.setAttribute("d", "M0 2H100");
  line.setAttribute("class", "line");
  svg.append(line);
  return svg;
}

function showLane(column, lane, phase) {
  column.dataset.style = lane.style;
  setText(column.querySelector(".name"), lane.name);
  setText(column.querySelector(".alpha"), lane.alpha_text);
  setText(column.querySelector(".facts"), lane.accuracy_text);
  showPictures(column.querySelector(".portrait"), lane.picture ? [lane.picture] : []);
  showPictures(column.querySelector(".others"), lane.others.filter(Boolean));
  const label = column.querySelector(".confidence span");
  // The final figure is a mean over random views, and so lower than the curve's last point.
  setText(label, phase === "done" ? "Final confidence" : "Confidence");
  label.title = phase === "done" ? "Mean over random crops and mirror images (selection)" : "";
  const known = lane.target_confidence !== null;
  const percent = known ? Math.round(lane.target_confidence * 100) : 0;
  setText(column.querySelector("strong"), known ? percent + "%" : "–");
  const meter = column.querySelector(".meter");
  meter.setAttribute("aria-valuenow", percent);
  meter.setAttribute("aria-valuetext", known ? percent + "%" : "not known yet");
  meter.firstElementChild.style.width = percent + "%";
  const verdict = column.querySelector(".verdict");
  setText(verdict.querySelector(".words"), lane.verdict || "has nothing to judge yet");
  setText(verdict.querySelector(".certainty"), lane.certainty);
  verdict.dataset.kind = lane.verdict ? (lane.recognised ? "recognised" : "other") : "none";
  setText(column.querySelector(".note"), lane.expectation);
}

function showCurve(figure, lanes) {
  const key = figure.dataset.curve;
  const svg = figure.querySelector("svg");
  const wanted = new Set(lanes.map(({ name }) => name));
  for (const line of svg.querySelectorAll("polyline")) {
    if (!wanted.has(line.dataset.lane)) line.remove();
  }
  const ends = [];
  for (const lane of lanes) {
    let line = [...svg.querySelectorAll("polyline")].find((l) => l.dataset.lane === lane.name);
    if (!line) {
      line = document.createElementNS(SVG, "polyline");
      line.dataset.lane = lane.name;
      line.setAttribute("class", "line");
      svg.append(line);
    }
    line.dataset.style = lane.style;
    line.setAttribute("points", lane[key]);
    if (!lane[key]) continue;
    const y = Number(lane[key].split(",").pop());
    const shown = key === "cosine_curve" ? signed(lane.gradient_cosine) : Math.round(100 - y) + "%";
    ends.push({ lane, text: lane.name + " " + shown, y });
  }
  showEnds(figure.querySelector(".ends"), ends);
  const caption = figure.querySelector("figcaption").firstChild.textContent.trim();
  svg.setAttribute("aria-label", caption + ": " + (ends.map(({ text }) => text).join(", ") || "no values yet"));
}

// Names beside the ends of the lines, pushed apart where they would overlap.
function showEnds(parent, ends) {
  const gap = 20;
  const height = parent.clientHeight;
  ends.sort((a, b) => a.y - b.y);
  let floor = height - gap * (ends.length - 1);
  let above = -Infinity;
  while (parent.children.length > ends.length) parent.lastElementChild.remove();
  ends.forEach(({ lane, text, y }, index) => {
    const label = parent.children[index] || make("span", "", parent);
    above = Math.min(Math.max((y / 100) * height, above + gap), floor);
    floor += gap;
    label.dataset.style = lane.style;
    label.style.top = above + "px";
    setText(label, text);
  });
}

const IDLE = ["ready", "recorded", "replay"];

function show(value) {
  // On a phone the board lies below the buttons: a started attack should be seen.
  const starts = IDLE.includes(board.dataset.phase) && !IDLE.includes(value.phase);
  if (starts && window.innerWidth <= 700) board.scrollIntoView({ block: "start" });
  board.dataset.phase = value.phase;
  const order = ["sampling", "optimisation", "selection", "done"];
  const current = order.indexOf(value.stage);
  for (const item of element.querySelectorAll(".stages li")) {
    const position = order.indexOf(item.dataset.stage);
    item.dataset.state = position < current ? "done" : position === current ? "current" : "todo";
    if (position === current) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  setText(element.querySelector(".status"), value.status);
  setText(element.querySelector(".seconds"), value.seconds ? value.seconds.toFixed(1) + " s" : "");
  element.querySelector("progress").value = value.progress;
  setText(element.querySelector("[role=status]"), value.announcement);
  const older = value.is_older ? "; the settings have changed since, and Start uses the new ones." : ".";
  setText(element.querySelector(".shown"), value.shown && value.shown + older);
  element.querySelector(".shown").dataset.older = value.is_older;

  setText(photos.querySelector("h3"), "Identity " + value.identity);
  showPictures(photos.querySelector(".portrait"), value.photos.slice(0, 1));
  showPictures(photos.querySelector(".others"), value.photos.slice(1));

  const wanted = new Set(value.lanes.map(({ name }) => name));
  for (const column of columns.querySelectorAll(".lane")) {
    if (!wanted.has(column.dataset.lane)) column.remove();
  }
  const count = value.lanes.length + 1;
  columns.style.setProperty("--count", count);
  columns.style.setProperty("--half", Math.ceil(count / 2));
  for (const lane of value.lanes) {
    const found = [...columns.querySelectorAll(".lane")].find((c) => c.dataset.lane === lane.name);
    const column = found || makeLane(lane.name);
    columns.append(column);
    showLane(column, lane, value.phase);
  }
  setText(element.querySelector("[data-curve=cosine_curve] .bottom"), value.cosine_low ? "−1" : "0");
  for (const figure of element.querySelectorAll("figure")) showCurve(figure, value.lanes);
}

const player = makePlayer(board, show);
function update() {
  board.hidden = !props.value || !props.value.lanes;
  if (!board.hidden) player.show(props.value);
}
watch("value", update);
update();
// Labels beside the curves cannot be placed while another page hides the board.
new ResizeObserver(() => {
  if (!board.hidden) player.redraw();
}).observe(element.querySelector(".curves"));
