// Landscapes and walks come from the server; this file plays them: play, pause, step, slow motion.
const $ = (selector) => element.querySelector(selector);
const SVG = "http://www.w3.org/2000/svg";
const scene = props.value;
const canvas = $("canvas");
const handle = $(".start");
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const POLL_MILLISECONDS = 150;
const SNAPSHOT_MILLISECONDS = 140;
const MARKERS = [
  "M-0.2 0A0.2 0.2 0 1 0 0.2 0A0.2 0.2 0 1 0 -0.2 0Z",
  "M-0.18 -0.18H0.18V0.18H-0.18Z",
  "M0 -0.26L0.24 0.18H-0.24Z",
];
const MAX_LOGGED = 8;

let alpha = props.value.alpha;
let start = [...scene.start];
let snapshots = [];
let shown = -1; // of the snapshots
let isTrained = false;
let training = 0; // counts, so that a late answer to an old question is dropped
let player = null; // of the snapshots
let walk = null;
let position = 0; // along the walk's path, in steps
let walking = 0; // request of the next animation frame, 0 while paused
let asking = 0; // counts walks asked for

const signed = (value, digits) => value.toFixed(digits).replace("-", "−");
const alphaText = (value) => (value > 0 ? "+" : "") + String(value).replace("-", "−");
const percent = (value) => (value * 100).toFixed(1) + "%";

function setText(selector, text) {
  const node = $(selector);
  if (node.textContent !== text) node.textContent = text;
}

function announce(text) {
  setText("[role=status]", text);
}

// -- the map ---------------------------------------------------------------------------------

function colour(name) {
  const probe = getComputedStyle($(".toy")).getPropertyValue(name).trim();
  return [1, 3, 5].map((at) => parseInt(probe.slice(at, at + 2), 16));
}

function paint() {
  if (shown < 0) return;
  const { cells } = scene;
  const bytes = Uint8Array.from(atob(snapshots[shown].plane), (letter) => letter.charCodeAt(0));
  const classes = [0, 1, 2].map((number) => colour("--class-" + number));
  const ground = colour("--ground");
  const picture = new ImageData(cells, cells);
  for (let cell = 0; cell < cells * cells; cell++) {
    const hue = classes[bytes[2 * cell]];
    // A third is the least the winner of three can have.
    const sure = Math.max(0, (bytes[2 * cell + 1] / 255 - 1 / 3) * 1.5);
    for (let channel = 0; channel < 3; channel++) {
      const mixed = ground[channel] + (hue[channel] - ground[channel]) * sure * 0.7;
      picture.data[4 * cell + channel] = mixed;
    }
    picture.data[4 * cell + 3] = 255;
  }
  canvas.width = canvas.height = cells;
  canvas.getContext("2d").putImageData(picture, 0, 0);
}

function showSnapshot(index) {
  shown = index;
  const { step, loss, unsure } = snapshots[index];
  paint();
  $(".moment").value = index;
  setText(".trained", `Training step ${step} of ${scene.training_steps}, loss ${signed(loss, 4)}`);
  $(".moment").setAttribute("aria-valuetext", "training step " + step);
  const words = `Strong colour: sure of that class. Faint: unsure. Here the network is less than 95% sure on ${percent(unsure)} of the plane.`;
  setText(".landscape-words", words);
  $("svg").setAttribute("aria-label", `Map of the plane after training step ${step} with α = ${alphaText(alpha)}: three groups of points, and the start at ${signed(start[0], 1)}, ${signed(start[1], 1)}. ${words}`);
}

function showStart() {
  handle.setAttribute("transform", `translate(${start[0]} ${-start[1]})`);
  handle.setAttribute("aria-valuenow", start[0]);
  handle.setAttribute("aria-valuemin", -scene.side);
  handle.setAttribute("aria-valuemax", scene.side);
  handle.setAttribute("aria-valuetext", `x ${signed(start[0], 1)}, y ${signed(start[1], 1)}`);
}

function moveStart(x, y) {
  // Adding zero makes a plain zero of minus zero.
  const inside = (value) => Math.min(scene.side, Math.max(-scene.side, Math.round(value * 10) / 10)) + 0;
  start = [inside(x), inside(y)];
  showStart();
  forgetWalk();
}

function place(event) {
  const box = $(".map").getBoundingClientRect();
  const share = (value, from, size) => ((value - from) / size) * 2 * scene.side - scene.side;
  moveStart(share(event.clientX, box.left, box.width), -share(event.clientY, box.top, box.height));
}

// -- training --------------------------------------------------------------------------------

async function ask(question) {
  try {
    const answer = await question();
    if (!answer || answer.error) throw new Error((answer && answer.error) || "No answer; reload the page.");
    setText(".trouble", "");
    return answer;
  } catch (error) {
    setText(".trouble", error.message || "The server does not answer; reload the page.");
    return null;
  }
}

async function train(factor) {
  const mine = ++training;
  alpha = factor;
  if (props.value.alpha !== factor) props.value = { ...props.value, alpha: factor };
  snapshots = [];
  shown = -1;
  isTrained = false;
  showFactor();
  forgetWalk();
  forgetGuess();
  setText(".trained", "Training …");
  playTraining();
  while (!isTrained) {
    const news = await ask(() => server.train(factor, snapshots.length));
    if (mine !== training) return;
    if (!news) return stopTraining();
    if (news.is_waiting) setText(".trained", "Waiting for another training …");
    snapshots.push(...news.snapshots);
    isTrained = news.is_done;
    if (!isTrained) await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
    if (mine !== training) return; // another factor was chosen meanwhile
  }
  showButtons();
  const { unsure } = snapshots[snapshots.length - 1];
  announce(`Trained with α = ${alphaText(alpha)}: less than 95% sure on ${percent(unsure)} of the plane.`);
}

function playTraining() {
  stopTraining();
  player = setInterval(() => {
    const last = snapshots.length - 1;
    if (last > shown) showSnapshot(calm.matches ? last : shown + 1);
    if (isTrained && shown === snapshots.length - 1) stopTraining();
  }, SNAPSHOT_MILLISECONDS);
}

function stopTraining() {
  clearInterval(player);
  player = null;
}

function showFactor() {
  setText(".alpha", alphaText(alpha));
  $(".alpha-range").value = alpha;
  $(".alpha-range").setAttribute("aria-valuetext", alphaText(alpha));
  for (const button of $(".factors").children) {
    button.setAttribute("aria-pressed", Number(button.dataset.alpha) === alpha);
  }
}

// -- the walk --------------------------------------------------------------------------------

function forgetWalk() {
  asking++;
  pause();
  walk = null;
  position = 0;
  showWalk();
  setText(".outcome", "");
}

function forgetGuess() {
  for (const radio of element.querySelectorAll("[name=toy-guess]")) radio.checked = false;
}

async function ready() {
  if (walk) return true;
  const mine = ++asking;
  setText(".outcome", "Walking …");
  const answer = await ask(() => server.walk(alpha, start[0], start[1]));
  if (mine !== asking) return false;
  setText(".outcome", "");
  if (!answer) return false;
  walk = answer;
  // The finished landscape is the one that is attacked.
  stopTraining();
  showSnapshot(snapshots.length - 1);
  return true;
}

function pause() {
  cancelAnimationFrame(walking);
  walking = 0;
  setText(".play", "Walk");
}

async function play() {
  if (walking) return pause();
  if (walk && isOver()) position = 0;
  if (!(await ready())) return;
  if (calm.matches) return go(lastPosition());
  let before = performance.now();
  const tick = (now) => {
    go(position + (Math.max(0, now - before) / 1000) * Number($(".speed").value));
    before = now;
    if (walking) walking = requestAnimationFrame(tick);
  };
  setText(".play", "Pause");
  walking = requestAnimationFrame(tick);
}

const lastPosition = () => walk.path.length - 1;
const isOver = () => position >= lastPosition();

function go(where) {
  const wasOver = isOver();
  position = Math.min(where, lastPosition());
  showWalk();
  if (isOver()) {
    pause();
    if (!wasOver) reveal();
  }
}

function showWalk() {
  const at = Math.floor(position);
  const path = walk ? walk.path.slice(0, at + 1) : [];
  const points = path.map(([x, y]) => `${x},${-y}`).join(" ");
  for (const line of element.querySelectorAll(".trail")) line.setAttribute("points", points);
  const walker = $(".walker");
  walker.toggleAttribute("hidden", !walk);
  if (walk) {
    walker.setAttribute("cx", walk.path[at][0]);
    walker.setAttribute("cy", -walk.path[at][1]);
  }
  const isDone = walk && isOver();
  // The step after the goal was reached is taken, but not counted: so the paper counts.
  setText(".steps", walk ? String(Math.min(at, walk.steps)) : "–");
  setText(".confidence", walk ? percent(walk.confidences[at]) : "–");
  setText(".distance", isDone ? walk.distance.toFixed(2) : "–");
  showButtons();
}

function showButtons() {
  for (const name of [".play", ".step", ".end"]) $(name).disabled = !isTrained;
  $(".back").disabled = !walk;
}

function reveal() {
  const { steps, distance, is_confident: isConfident } = walk;
  const range = distance < 2 ? "near" : distance <= 5 ? "middle" : "far";
  const guess = $("[name=toy-guess]:checked");
  const verdict = !guess ? "" : guess.value === range ? "✓ Your guess was right. " : "✗ You guessed otherwise. ";
  const end = isConfident
    ? `The attack stopped after ${steps} steps, ${distance.toFixed(2)} from the nearest ▲.`
    : `The network never got sure: given up after ${steps} steps, ${distance.toFixed(2)} from the nearest ▲.`;
  setText(".outcome", verdict + end);
  announce(verdict + end.replace("▲", "point of class 2"));
  log(steps, distance);
}

function log(steps, distance) {
  const isPapers = start[0] === scene.start[0] && start[1] === scene.start[1];
  const paper = isPapers && scene.paper.find((figures) => figures.alpha === alpha);
  const row = document.createElement("tr");
  for (const text of [
    alphaText(alpha),
    `${signed(start[0], 1)}, ${signed(start[1], 1)}`,
    String(steps),
    distance.toFixed(2),
    paper ? `${paper.steps} steps, ${paper.distance.toFixed(2)}` : "–",
  ]) {
    row.insertCell().textContent = text;
  }
  const body = $(".log tbody");
  body.prepend(row);
  while (body.children.length > MAX_LOGGED) body.lastElementChild.remove();
  $(".log").hidden = false;
}

// -- setting up ------------------------------------------------------------------------------

$("svg").setAttribute("viewBox", [-scene.side, -scene.side, 2 * scene.side, 2 * scene.side].join(" "));
for (const [x, y, label] of scene.points) {
  const point = document.createElementNS(SVG, "path");
  point.setAttribute("d", MARKERS[label]);
  point.setAttribute("transform", `translate(${x} ${-y})`);
  point.dataset.class = label;
  $(".points").append(point);
}
for (const figures of scene.paper) {
  const button = document.createElement("button");
  button.type = "button";
  button.dataset.alpha = figures.alpha;
  button.textContent = "α = " + alphaText(figures.alpha);
  button.addEventListener("click", () => train(figures.alpha));
  $(".factors").append(button);
}
[$(".alpha-range").min, $(".alpha-range").max] = scene.alphas;
$(".moment").max = scene.snapshots - 1;

$(".alpha-range").addEventListener("input", () => setText(".alpha", alphaText(Number($(".alpha-range").value))));
$(".alpha-range").addEventListener("change", () => train(Number($(".alpha-range").value)));
$(".moment").addEventListener("input", () => {
  if (!snapshots.length) return;
  stopTraining();
  showSnapshot(Math.min(Number($(".moment").value), snapshots.length - 1));
});
$(".again").addEventListener("click", () => {
  shown = -1;
  forgetWalk();
  playTraining();
});
$(".play").addEventListener("click", play);
$(".step").addEventListener("click", async () => {
  pause();
  if (await ready()) go(Math.floor(position) + 1);
});
$(".end").addEventListener("click", async () => {
  if (await ready()) go(lastPosition());
});
$(".back").addEventListener("click", () => {
  pause();
  position = 0;
  showWalk();
  setText(".outcome", "");
});
$(".home").addEventListener("click", () => moveStart(...scene.start));

handle.addEventListener("keydown", (event) => {
  const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
  const direction = directions[event.key];
  if (!direction) return;
  event.preventDefault();
  const far = event.shiftKey ? 0.1 : 0.5;
  moveStart(start[0] + far * direction[0], start[1] + far * direction[1]);
});
handle.addEventListener("pointerdown", (event) => {
  event.preventDefault();
  handle.focus();
  handle.setPointerCapture(event.pointerId);
});
handle.addEventListener("pointermove", (event) => {
  if (handle.hasPointerCapture(event.pointerId)) place(event);
});
$("svg").addEventListener("click", (event) => {
  if (!handle.contains(event.target)) place(event);
});
// Another theme, another ground for the colours.
new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });

showStart();
showFactor();
showButtons();
watch("value", () => {
  if (props.value.alpha !== alpha) train(props.value.alpha);
});
// Nothing is trained for a visitor who never looks.
const watcher = new IntersectionObserver((entries) => {
  if (!entries.some((entry) => entry.isIntersecting)) return;
  watcher.disconnect();
  train(alpha);
});
watcher.observe(element);
