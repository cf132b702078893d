// uses understand/toy_map
// Landscapes and walks come from the server; this file plays them: play, pause, step, slow motion.
const scene = props.value;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const POLL_MILLISECONDS = 150;
const SNAPSHOT_MILLISECONDS = 140;
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

const alphaText = (value) => (value > 0 ? "+" : "") + String(value).replace("-", "−");
const at = ([x, y]) => `${fixed(x, 1)}, ${fixed(y, 1)}`;
const percent = (value) => (value * 100).toFixed(1) + "%";

function showSnapshot(index) {
  shown = index;
  const { step, loss, unsure, plane } = snapshots[index];
  $(".moment").value = index;
  setText(".trained", `Training step ${step} of ${scene.training_steps}, loss ${fixed(loss, 4)}`);
  $(".moment").setAttribute("aria-valuetext", "training step " + step);
  const words = `Strong colour: sure of that class. Faint: unsure. Here the network is less than 95% sure on ${percent(unsure)} of the plane.`;
  setText(".landscape-words", words);
  map.showPlane(plane, `Map of the plane after training step ${step} with α = ${alphaText(alpha)}: three groups of points, and the start at ${at(start)}. ${words}`);
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
  for (const guess of element.querySelectorAll("[name=toy-guess]")) guess.checked = false;
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
  const sure = `less than 95% sure on ${percent(snapshots.at(-1).unsure)} of the plane.`;
  setText("[role=status]", `Trained with α = ${alphaText(alpha)}: ${sure}`);
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
  const step = Math.floor(position);
  map.showTrail(walk && walk.path.slice(0, step + 1));
  const isDone = walk && isOver();
  // The step after the goal was reached is taken, but not counted: so the paper counts.
  setText(".steps", walk ? String(Math.min(step, walk.steps)) : "–");
  setText(".confidence", walk ? percent(walk.confidences[step]) : "–");
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
  setText("[role=status]", verdict + end.replace("▲", "point of class 2"));
  log(steps, distance);
}

function log(steps, distance) {
  const isPapers = start[0] === scene.start[0] && start[1] === scene.start[1];
  const paper = isPapers && scene.paper.find((figures) => figures.alpha === alpha);
  const paperText = paper ? `${paper.steps} steps, ${paper.distance.toFixed(2)}` : "–";
  const body = $(".log tbody");
  const logged = make("tr", "", body);
  for (const text of [alphaText(alpha), at(start), String(steps), distance.toFixed(2), paperText]) make("td", "", logged, text);
  body.prepend(logged);
  while (body.children.length > MAX_LOGGED) body.lastElementChild.remove();
  $(".log").hidden = false;
}

// -- setting up ------------------------------------------------------------------------------

const map = makeMap(scene, (...place) => {
  start = place;
  forgetWalk();
});
for (const { alpha: factor } of scene.paper) {
  const label = "α = " + alphaText(factor);
  button($(".factors"), label, label, () => train(factor)).dataset.alpha = factor;
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
$(".home").addEventListener("click", () => map.move(...scene.start));

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
