// uses shared/elements shared/charts boards/replay_player boards/people_strip boards/closer_look boards/step_glass
// Fills the board from the value, reusing elements so that pictures change without flicker.
const board = $(".board");
const columns = $(".columns");
const photos = $(".photos");

// The parent's one <img>, kept so that pictures change without flicker; none without a picture.
function showPicture(parent, shown, className) {
  let image = parent.querySelector(`img.${className}`);
  if (!shown) return image?.remove();
  if (!image) {
    image = make("img", className, parent);
    parent.prepend(image);
  }
  if (image.src !== shown.uri) image.src = shown.uri;
  if (image.alt !== shown.alt) image.alt = shown.alt;
}

function makeLane(name) {
  const column = make("article", "column card lane", columns);
  column.dataset.lane = name;
  const title = make("h3", "flow clipped", column);
  title.id = photos.getAttribute("aria-labelledby") + "-" + name;
  column.setAttribute("aria-labelledby", title.id);
  const swatch = { class: "swatch", viewBox: "0 0 100 4", preserveAspectRatio: "none", "aria-hidden": true };
  draw("path", { class: "line", d: "M0 2H100" }, draw("svg", swatch, column));
  make("span", "name clipped", title);
  make("span", "alpha", title);
  const label = make("span", "label marked", title);
  label.setAttribute("role", "img");
  make("span", "fill", make("span", "scale", label));
  make("small", "", label);
  const portrait = make("div", "portrait", column);
  make("p", "verdict stamp", portrait);
  make("p", "confidence quiet", column);
  make("p", "note", column);
  return column;
}

// The smoothed label of the right person, against a mark at 100 %.
function showLabel(part, { label }) {
  const words = percent(label);
  part.querySelector(".fill").style.width = `${(label / 1.1) * 100}%`;
  setText(part.querySelector("small"), words);
  part.title = `Label of the right person in training: ${words}`;
  part.setAttribute("aria-label", part.title);
}

function showLane(column, lane) {
  column.dataset.style = lane.style;
  setText(column.querySelector(".name"), lane.name);
  column.querySelector(".name").title = lane.accuracy_text;
  setText(column.querySelector(".alpha"), lane.alpha_text.replace("= ", ""));
  showLabel(column.querySelector(".label"), lane);
  const portrait = column.querySelector(".portrait");
  const kind = lane.verdict ? (lane.recognised ? "recognised" : "other") : "none";
  portrait.dataset.kind = kind;
  showPicture(portrait, lane.picture, "square");
  showPicture(portrait, lane.mistaken, "mistaken");
  const stamp = portrait.querySelector(".stamp");
  stamp.dataset.kind = kind;
  const mark = { recognised: "✓ ", other: "✗ ", none: "" }[kind];
  setText(stamp, mark + (lane.recognised ? "recognised" : lane.verdict));
  stamp.title = lane.verdict && `Evaluator: ${lane.verdict}, ${lane.certainty}`;
  const known = lane.target_confidence !== null;
  setText(column.querySelector(".confidence"), known ? `Target confidence ${percent(lane.target_confidence)}` : "");
  setText(column.querySelector(".note"), lane.is_trained ? "" : lane.expectation);
}

// The confidence's curve, ending at the number on the lane's card. After the last step that is a
// mean over random views, and a point of its own.
function toTheNumber({ confidence_curve: curve, target_confidence: number }, stage) {
  if (!curve || number === null) return curve;
  const points = curve.trim().split(" ");
  const across = stage === "optimisation" ? points.pop().split(",")[0] : 100;
  return [...points, `${across},${100 * (1 - number)}`].join(" ");
}

// The points of a curve are "x,y x,y ...", in percent of the plot from its upper left corner.
function showCurve(figure, lanes, low, words) {
  const ends = [];
  const curves = lanes.map((lane) => {
    const points = lane[figure.dataset.curve].split(" ").filter(Boolean).map((point) => point.split(",").map(Number));
    const places = points.map(([x, y]) => [x, 1 - (y / 100) * (1 - low)]);
    if (places.length) ends.push({ text: `${lane.name} ${words(places.at(-1)[1], lane)}`, style: lane.style, value: places.at(-1)[1] });
    return { style: lane.style, places };
  });
  const title = figure.querySelector("figcaption").firstChild.textContent.trim();
  const label = `${title}: ${ends.map(({ text }) => text).join(", ") || "no values yet"}`;
  const plot = chart(figure.querySelector(".plot"), { label, height: 146, right: 142, bottom: 8, x: [0, 100], y: [low, 1] });
  if (!plot) return;
  plot.rows([low, (low + 1) / 2, 1], words);
  for (const { style, places } of curves) plot.line(places, { "data-style": style });
  plot.ends(ends);
}

const percent = (share) => Math.round(share * 100) + "%";
const confidence = (value, lane) => percent(lane?.target_confidence ?? value); // as on the card
const cosine = (value, lane) => (lane ? fixed(lane.gradient_cosine ?? value, 2) : fixed(value, value === 0.5 ? 1 : 0));

// The first visit shows whose turn it is: nobody picks a person whose pictures came out well.
const isTodays = ({ replay, is_todays: isTheirTurn }) => replay?.plays && isTheirTurn;

const IDLE = ["ready", "recorded", "replay"];

function show(value) {
  if (IDLE.includes(board.dataset.phase) && !IDLE.includes(value.phase)) bringIntoView(board);
  board.dataset.phase = value.phase;
  board.dataset.arrival = Boolean(value.replay?.plays); // nothing to say of an attack nobody started
  const order = ["sampling", "optimisation", "selection", "done"];
  const current = order.indexOf(value.stage);
  for (const item of element.querySelectorAll(".stages li")) {
    const position = order.indexOf(item.dataset.stage);
    item.dataset.state = position < current ? "done" : position === current ? "current" : "todo";
    if (position === current) item.setAttribute("aria-current", "step");
    else item.removeAttribute("aria-current");
  }
  setText(".status", value.status);
  setText(".seconds", value.seconds ? value.seconds.toFixed(1) + " s" : "");
  $("progress").value = value.progress;
  setText("[role=status]", value.announcement);
  const older = value.is_older ? "; the settings have changed since, and Start uses the new ones." : ".";
  setText(".shown", value.shown && value.shown + older);
  $(".shown").dataset.older = value.is_older;

  element.closest(".attack-page")?.classList.toggle("with-own-people", Boolean(value.is_own));
  $(".strip").hidden = !props.strip?.people || value.is_own; // the recorded people are the demo's
  setText(photos.querySelector("h3"), value.title);
  photos.querySelector("h3").title = value.title;
  showPicture(photos.querySelector(".portrait"), value.photos[0], "square");
  setText(photos.querySelector(".facts"), isTodays(value) ? "Today’s synthetic person" : value.photo_words);

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
    showLane(column, lane);
  }
  const ended = value.lanes.map((lane) => ({ ...lane, confidence_curve: toTheNumber(lane, value.stage) }));
  showCurve($("[data-curve=confidence_curve]"), ended, 0, confidence);
  showCurve($("[data-curve=cosine_curve]"), value.lanes, value.cosine_low ? -1 : 0, cosine);
}

const player = makePlayer(board, (value) => {
  show(value);
  look.show(value);
  glass.show(value);
}, props.name === "attack");
const glass = makeGlass(board, player.go);
const look = makeCloserLook(board, (kind) => {
  props.value = { ...props.value, wanted: kind };
  trigger("download");
});
function update() {
  board.hidden = !props.value || !props.value.lanes;
  if (board.hidden) return;
  if (isLive) {
    remember(props.value);
    count(props.value);
  }
  player.show(opening(props.value));
}
showStrip(props.strip);

// The page is built with one identity; a link's own comes from the server, seconds later.
const isLive = props.name === "attack";
const asked = new URL(location.href).searchParams;
let linked = isLive && (asked.get("tab") || "attack") === "attack" ? asked.get("identity") : null;
if (linked !== null && !/^\d{1,6}$/.test(linked)) linked = null;

function opening(value) {
  const isOther = linked !== null && Number(linked) !== value.identity && IDLE.includes(value.phase);
  if (!isOther) {
    linked = null;
    return value;
  }
  const { replay, ...rest } = value;
  const status = `Opening identity ${linked} …`;
  const blank = { picture: null, mistaken: null, others: [], target_confidence: null, detail: null, verdict: "", certainty: "", confidence_curve: "", cosine_curve: "" };
  const lanes = value.lanes.map((lane) => ({ ...lane, ...blank }));
  return { ...rest, title: `Identity ${linked}`, phase: "ready", stage: "", progress: 0, seconds: 0, status, announcement: status, photos: [], lanes };
}
document.addEventListener("link-read", ({ detail: ignored }) => {
  if (ignored.includes("identity=")) {
    linked = null;
    update();
  }
});

// An attack ends with its page. This tab remembers a running one, to say so when it is loaded anew.
const STORE = "mia-demo-running-attack";
const cut = savedState("sessionStorage", STORE);
function remember({ phase, title, stage, step, total_steps }) {
  const isRunning = ["waiting", "loading", "running"].includes(phase);
  saveState("sessionStorage", STORE, isRunning ? { title, stage, step, total_steps } : null);
  if (!IDLE.includes(phase)) $(".gone").hidden = true;
}

// What this visit's own attacks came to, lane by lane.
const tally = new Map();
let isCounted = true;
function count({ phase, lanes }) {
  if (phase === "running") isCounted = false;
  if (phase !== "done" || isCounted) return;
  isCounted = true;
  for (const { name, recognised } of lanes) {
    const { hits, of } = tally.get(name) || { hits: 0, of: 0 };
    tally.set(name, { hits: hits + recognised, of: of + 1 });
  }
  const words = [...tally].map(([name, { hits, of }]) => `${name} ${hits} of ${of}`);
  $(".tally").hidden = false;
  setText(".tally", `Your attacks so far, recognised: ${words.join(", ")}.`);
}
if (isLive && cut) {
  const hasBegun = cut.stage === "optimisation";
  const where = hasBegun ? `at step ${cut.step} of ${cut.total_steps}` : cut.stage ? `during ${cut.stage}` : "before it had begun";
  const kept = hasBegun ? " How far it came is kept on the Runs page, unless others share this demo." : "";
  $(".gone").hidden = false;
  setText(".gone", `The attack on ${cut.title.replace("Identity", "identity")} ended ${where}, because the page was loaded anew or lost its connection.${kept} Start attacks again.`);
}
document.addEventListener("connection-cut", () => {
  if (isLive && !["done", "stopped", "failed", ...IDLE].includes(board.dataset.phase)) {
    setText(".status", "The connection to the server is cut; the attack has ended there. This page loads itself anew as soon as the server answers.");
  }
});
watch("value", update);
update();
drawInto($(".curves"), () => player.redraw());
