// uses shared/elements
// Shows how far the sweep is; the time left counts down between two messages of the server.
const section = element.querySelector(".sweep");
const lanes = element.querySelector(".lanes");
let endsAt = null;

function setText(selector, text) {
  const node = element.querySelector(selector);
  if (node.textContent !== text) node.textContent = text;
}

function clock(seconds) {
  if (seconds < 90) return Math.ceil(seconds) + " s";
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? minutes + " min" : (minutes / 60).toFixed(1) + " h";
}

function tick() {
  const seconds = endsAt === null ? null : (endsAt - Date.now()) / 1000;
  setText(".left", seconds === null ? "" : seconds > 1 ? "About " + clock(seconds) + " left" : "Nearly done");
}

function showLane(lane) {
  const figure = make("figure", "lane", lanes);
  figure.dataset.style = lane.style;
  const picture = make("img", "", figure);
  picture.src = lane.uri;
  picture.alt = lane.alt;
  const caption = make("figcaption", "", figure);
  make("span", "name", caption).textContent = lane.name;
  const verdict = make("span", "verdict", caption);
  verdict.textContent = lane.verdict;
  verdict.dataset.kind = lane.recognised ? "recognised" : "other";
  make("span", "tally", caption).textContent = lane.tally;
}

function show() {
  const value = props.value;
  if (!value || !value.phase) return;
  section.hidden = value.phase === "ready";
  section.dataset.phase = value.phase;
  setText(".status", value.status);
  element.querySelector("progress").value = value.total ? value.done / value.total : 0;
  endsAt = value.seconds_left === null ? null : Date.now() + value.seconds_left * 1000;
  tick();
  setText(".newest", value.newest);
  lanes.replaceChildren();
  value.lanes.forEach(showLane);
}

setInterval(tick, 1000);
watch("value", show);
show();
