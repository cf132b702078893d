// Plays a recorded attack on a board: all pictures lie in one sheet, cut up here, step by step.
const MOMENT_MS = 220;
const LAST_MS = 3500; // the result stays a while before a loop starts again

// The sheet's pictures by lane and moment, as data URIs.
async function cutUp({ sheet, size, columns, moments }, lanes) {
  const image = new Image();
  image.src = sheet;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pencil = canvas.getContext("2d");
  return lanes.map((_, lane) =>
    moments.map((_, moment) => {
      const index = lane * moments.length + moment;
      const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
      pencil.drawImage(image, x, y, size, size, 0, 0, size, size);
      return canvas.toDataURL("image/png");
    }),
  );
}

// The part of a curve up to x.
function upTo(points, x) {
  return points
    .split(" ")
    .filter((point) => point && Number(point.split(",")[0]) <= x + 0.06)
    .join(" ");
}

// The board as it was at a recorded moment; the last moment is the board itself.
function boardAt(value, pictures, number) {
  const { moments } = value.replay;
  if (number === moments.length - 1) return value;
  const moment = moments[number];
  const lanes = value.lanes.map((lane, index) => ({
    ...lane,
    ...moment.lanes[index],
    picture: { uri: pictures[index][number], alt: lane.picture.alt },
    confidence_curve: upTo(lane.confidence_curve, moment.x),
    cosine_curve: upTo(lane.cosine_curve, moment.x),
  }));
  const { stage, progress, seconds } = moment;
  return { ...value, phase: "replay", stage, progress, seconds, lanes };
}

function makePlayer(board, draw) {
  const panel = board.querySelector(".player");
  const button = panel.querySelector("button");
  const slider = panel.querySelector("input");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let value = null;
  let pictures = null;
  let timer = 0;
  let number = 0;

  function redraw() {
    if (!value) return;
    const isReplaying = Boolean(pictures) && number < value.replay.moments.length - 1;
    board.dataset.replaying = isReplaying;
    draw(isReplaying ? boardAt(value, pictures, number) : value);
    if (!pictures) return;
    const { words } = value.replay.moments[number];
    slider.value = number;
    slider.setAttribute("aria-valuetext", words);
    panel.querySelector(".moment").textContent = words;
  }

  function pause() {
    clearTimeout(timer);
    timer = 0;
    button.textContent = "Play";
  }

  function play() {
    if (number === value.replay.moments.length - 1) number = 0;
    button.textContent = "Pause";
    redraw();
    plan();
  }

  function plan() {
    const isLast = number === value.replay.moments.length - 1;
    if (isLast && !value.replay.loops) return pause();
    timer = setTimeout(next, isLast ? LAST_MS : MOMENT_MS);
  }

  function next() {
    if (!board.isConnected) return;
    // Nothing moves on a page that nobody sees.
    if (board.offsetParent !== null && !document.hidden) {
      number = (number + 1) % value.replay.moments.length;
      redraw();
    }
    plan();
  }

  button.addEventListener("click", () => (timer ? pause() : play()));
  slider.addEventListener("input", () => {
    pause();
    number = Number(slider.value);
    redraw();
  });

  async function show(newest) {
    if (pictures && newest.replay && newest.replay.sheet === value.replay.sheet) {
      value = newest; // the same attack with other words: it goes on playing
      return redraw();
    }
    pause();
    value = newest;
    pictures = null;
    panel.hidden = true;
    redraw();
    if (!newest.replay) return;
    const { moments, loops, recorded } = newest.replay;
    const cut = await cutUp(newest.replay, newest.lanes);
    if (value !== newest) return; // another board has come meanwhile
    pictures = cut;
    number = moments.length - 1;
    slider.max = number;
    panel.querySelector(".recorded").hidden = !recorded;
    panel.hidden = false;
    if (loops && !still.matches) play();
    else redraw();
  }

  return { show, redraw };
}
