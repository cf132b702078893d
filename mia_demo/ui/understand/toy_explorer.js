// uses understand/toy_map
// Landscapes and walks come from the server; this file plays them, in all maps at once: play, pause,
// step, slow motion.
const scene = props.value;
const calm = window.matchMedia("(prefers-reduced-motion: reduce)");
const POLL_MILLISECONDS = 150;
const RETRY_MILLISECONDS = 2000;
const SNAPSHOT_MILLISECONDS = 140;
const MAX_LOGGED = 9;

const lanes = []; // a map each
let start = [...scene.start];
let player = null; // of the trainings
let position = 0; // along the walks, in steps
let walking = 0; // request of the next animation frame, 0 while paused
let asking = 0; // counts walks asked for
let isWished = false; // a walk, as soon as all networks are trained

const alphaText = (value) => (value > 0 ? "+" : "") + String(value).replace("-", "−");
const at = ([x, y]) => `${fixed(x, 1)}, ${fixed(y, 1)}`;
const percent = (value) => (value * 100).toFixed(1) + "%";
const isPapers = (alpha) => scene.paper.some((figures) => figures.alpha === alpha);
const areTrained = () => lanes.length > 0 && lanes.every((lane) => lane.isTrained);

function addLane(alpha) {
  const figure = make("figure", "lane", $(".maps"));
  make("figcaption", "strong", figure, "α = " + alphaText(alpha));
  const map = makeMap(scene, make("div", "map", figure), !lanes.length, move);
  const lane = { alpha, figure, map, snapshots: [], shown: -1, isTrained: false, walk: null };
  map.showStart(start);
  lane.words = make("p", "words digits", figure);
  lanes.push(lane);
  const label = make("label", "marked", $(".guesses .row"));
  radio(label, "toy-guess", String(alpha), false, () => {});
  make("span", "", label, "α = " + alphaText(alpha));
  lane.guess = label;
  train(lane);
}

function removeLane(lane) {
  lane.isGone = true;
  lane.figure.remove();
  lane.guess.remove();
  lanes.splice(lanes.indexOf(lane), 1);
}

// -- training --------------------------------------------------------------------------------

function showSnapshot(lane, index) {
  const { step, loss, unsure, plane } = lane.snapshots[index];
  lane.shown = index;
  lane.map.showPlane(plane, `Map of the plane after training step ${step} with α = ${alphaText(lane.alpha)}: three groups of points, and the start at ${at(start)}. The network is less than 95% sure on ${percent(unsure)} of it.`);
  if (lane !== lanes[0]) return;
  $(".moment").value = index;
  $(".moment").setAttribute("aria-valuetext", "training step " + step);
  setText(".moment-words", `Step ${step} of ${scene.training_steps}, loss with α = ${alphaText(lane.alpha)}: ${fixed(loss, 4)}`);
}

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

async function train(lane) {
  playTraining();
  showButtons();
  while (!lane.isTrained && !lane.isGone) {
    const news = await ask(() => server.train(lane.alpha, lane.snapshots.length));
    if (!news) {
      await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
      continue;
    }
    lane.snapshots.push(...news.snapshots);
    lane.isTrained = news.is_done;
    if (!lane.isTrained) await new Promise((resolve) => setTimeout(resolve, POLL_MILLISECONDS));
  }
  showButtons();
  if (isWished && areTrained()) play();
}

function playTraining() {
  if (player) return;
  player = setInterval(() => {
    for (const lane of lanes) {
      const last = lane.snapshots.length - 1;
      if (last > lane.shown) showSnapshot(lane, calm.matches ? last : lane.shown + 1);
    }
    if (areTrained() && lanes.every((lane) => lane.shown === lane.snapshots.length - 1)) stopTraining();
  }, SNAPSHOT_MILLISECONDS);
}

function stopTraining() {
  clearInterval(player);
  player = null;
}

// -- the walks -------------------------------------------------------------------------------

function move(x, y) {
  start = [x, y];
  for (const { map } of lanes) map.showStart(start);
  forgetWalks();
}

function forgetWalks() {
  asking++;
  for (const lane of lanes) lane.walk = null;
  goBack();
}

function goBack() {
  pause();
  position = 0;
  setText(".outcome", "");
  showWalks();
}

async function ready() {
  if (lanes.every(({ walk }) => walk)) return true;
  const mine = ++asking;
  const found = await Promise.all(lanes.map((lane) => lane.walk || ask(() => server.walk(lane.alpha, ...start))));
  if (mine !== asking || !found.every(Boolean)) return false;
  // The finished landscapes are those that are attacked.
  stopTraining();
  lanes.forEach((lane, index) => {
    lane.walk = found[index];
    showSnapshot(lane, lane.snapshots.length - 1);
  });
  return true;
}

function pause() {
  cancelAnimationFrame(walking);
  walking = 0;
  setText(".play", "Walk");
}

async function play() {
  if (walking) return pause();
  isWished = !areTrained() && !isWished;
  showButtons();
  if (!areTrained()) return;
  if (lanes[0].walk && isOver()) position = 0;
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

const lastPosition = () => Math.max(...lanes.map(({ walk }) => walk.path.length - 1));
const isOver = () => position >= lastPosition();

function go(where) {
  const wasOver = isOver();
  position = Math.min(where, lastPosition());
  showWalks();
  if (!isOver()) return;
  pause();
  if (!wasOver) reveal();
}

function showWalks() {
  for (const { map, walk, words } of lanes) {
    const step = Math.min(Math.floor(position), walk ? walk.path.length - 1 : 0);
    map.showTrail(walk && walk.path.slice(0, step + 1));
    const isDone = walk && step === walk.path.length - 1;
    words.dataset.done = Boolean(isDone);
    // The step after the goal was reached is taken, but not counted: so the paper counts.
    if (!walk) setText(words, "");
    else if (!isDone) setText(words, `step ${step}: ${percent(walk.confidences[step])} sure of ▲`);
    else setText(words, ending(walk));
  }
  showButtons();
}

const ending = ({ steps, distance, is_confident: isSure }) =>
  `${isSure ? "Stopped" : "Given up, never sure,"} after ${steps} steps, ${distance.toFixed(2)} from a ▲`;

function showButtons() {
  const isReady = areTrained();
  for (const name of [".step", ".end"]) $(name).disabled = !isReady;
  $(".back").disabled = !lanes.some(({ walk }) => walk);
  const then = isWished ? "; the walk starts by itself" : "";
  setText(".trained", isReady ? "" : `${lanes.length} networks are being trained${then} …`);
}

function reveal() {
  const closest = lanes.reduce((best, lane) => (lane.walk.distance < best.walk.distance ? lane : best));
  const guess = $("[name=toy-guess]:checked");
  const verdict = !guess ? "" : Number(guess.value) === closest.alpha ? "✓ Your guess was right." : "✗ You guessed otherwise.";
  setText(".outcome", verdict);
  const ends = lanes.map(({ alpha, walk }) => `α = ${alphaText(alpha)}: ${ending(walk).replace("▲", "point of class 2")}.`);
  setText("[role=status]", [verdict, ...ends].join(" ").trim());
  lanes.forEach(log);
}

function log({ alpha, walk }) {
  const isTheirs = start[0] === scene.start[0] && start[1] === scene.start[1];
  const paper = isTheirs && scene.paper.find((figures) => figures.alpha === alpha);
  const paperText = paper ? `${paper.steps} steps, ${paper.distance.toFixed(2)}` : "–";
  const body = $(".log tbody");
  const logged = make("tr", "", body);
  const texts = [alphaText(alpha), at(start), String(walk.steps), walk.distance.toFixed(2), paperText];
  for (const text of texts) make("td", "", logged, text);
  body.prepend(logged);
  while (body.children.length > MAX_LOGGED) body.lastElementChild.remove();
  $(".log").hidden = false;
}

// -- setting up ------------------------------------------------------------------------------

// The paper's factors have a map each; another factor has one beside them.
function showFactor(alpha) {
  if (props.value.alpha !== alpha) props.value = { ...props.value, alpha };
  setText(".alpha", alphaText(alpha));
  $(".alpha-range").value = alpha;
  $(".alpha-range").setAttribute("aria-valuetext", alphaText(alpha));
  if (!lanes.length || lanes.some((lane) => lane.alpha === alpha)) return;
  for (const lane of lanes.filter((one) => !isPapers(one.alpha))) removeLane(lane);
  addLane(alpha);
  forgetWalks();
}

[$(".alpha-range").min, $(".alpha-range").max] = scene.alphas;
$(".moment").max = scene.snapshots - 1;
$(".alpha-range").addEventListener("input", () => setText(".alpha", alphaText(Number($(".alpha-range").value))));
$(".alpha-range").addEventListener("change", () => showFactor(Number($(".alpha-range").value)));
$(".moment").addEventListener("input", () => {
  stopTraining();
  for (const lane of lanes) {
    if (lane.snapshots.length) showSnapshot(lane, Math.min(Number($(".moment").value), lane.snapshots.length - 1));
  }
});
$(".again").addEventListener("click", () => {
  for (const lane of lanes) lane.shown = -1;
  forgetWalks();
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
$(".back").addEventListener("click", goBack);
$(".home").addEventListener("click", () => move(...scene.start));
showFactor(scene.alpha);
watch("value", () => showFactor(props.value.alpha));
// Nothing is trained for a visitor who never looks.
const watcher = new IntersectionObserver((entries) => {
  if (!entries.some((entry) => entry.isIntersecting)) return;
  watcher.disconnect();
  for (const { alpha } of [...scene.paper].reverse()) addLane(alpha);
  showFactor(props.value.alpha);
});
watcher.observe(element);
