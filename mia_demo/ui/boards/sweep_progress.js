// uses shared/elements shared/time_left
// Shows how far the sweep is.
const section = $(".sweep");
const lanes = $(".lanes");

function showLane(lane) {
  const figure = make("figure", "lane", lanes);
  figure.dataset.style = lane.style;
  picture(figure, lane.uri, lane.alt, "square");
  const caption = make("figcaption", "", figure);
  make("p", "strong", caption, lane.name);
  const verdict = make("p", "verdict", caption, lane.verdict);
  verdict.dataset.kind = lane.recognised ? "recognised" : "other";
  make("p", "tally quiet", caption, lane.tally);
}

function show() {
  const value = props.value;
  if (!value || !value.phase) return;
  section.hidden = value.phase === "ready";
  section.dataset.phase = value.phase;
  setText(".status", value.status);
  $("progress").value = value.total ? value.done / value.total : 0;
  $("progress").classList.toggle("breathes", value.phase === "table"); // how long the table takes is not known
  endIn(value.seconds_left);
  setText(".newest", value.newest);
  lanes.replaceChildren();
  value.lanes.forEach(showLane);
}

watch("value", show);
show();
