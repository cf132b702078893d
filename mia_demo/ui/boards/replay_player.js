// Plays a recorded attack on a board: all pictures lie in one sheet.
const SECONDS = 5; // from the first moment to the last

// Gives the sheet's picture of a lane at a moment, as a data URI; each is cut out when it is first shown.
async function openSheet({ sheet, size, columns, moments }) {
  const image = new Image();
  image.src = sheet;
  await image.decode();
  const canvas = document.createElement("canvas");
  canvas.width = canvas.height = size;
  const pencil = canvas.getContext("2d");
  const pictures = [];
  return (lane, moment) => {
    const index = lane * moments.length + moment;
    if (!pictures[index]) {
      const [x, y] = [(index % columns) * size, Math.floor(index / columns) * size];
      pencil.drawImage(image, x, y, size, size, 0, 0, size, size);
      pictures[index] = canvas.toDataURL("image/png");
    }
    return pictures[index];
  };
}

// The part of a curve up to x.
function upTo(points, x) {
  return points
    .split(" ")
    .filter((point) => point && Number(point.split(",")[0]) <= x + 0.06)
    .join(" ");
}

// The board as it was at a recorded moment.
function boardAt(value, picture, number) {
  const moment = value.replay.moments[number];
  const lanes = value.lanes.map((lane, index) => ({
    ...lane,
    ...moment.lanes[index],
    mistaken: moment.lanes[index].evaluator_top1 === lane.evaluator_top1 ? lane.mistaken : null,
    picture: { uri: picture(index, number), alt: lane.picture.alt },
    confidence_curve: upTo(lane.confidence_curve, moment.x),
    cosine_curve: upTo(lane.cosine_curve, moment.x),
  }));
  const { stage, progress, seconds } = moment;
  return { ...value, phase: "replay", moment: number, stage, progress, seconds, lanes };
}

// Files are offered beside an attack of the visit; the Runs page has its own.
function makePlayer(board, draw, isLive) {
  const panel = board.querySelector(".player");
  const button = panel.querySelector("button");
  const slider = panel.querySelector("input");
  const still = window.matchMedia("(prefers-reduced-motion: reduce)");
  let value = null;
  let picture = null; // of a lane at a moment
  let timer = 0;
  let number = 0;
  let lastMs = 0; // that drawing took

  function redraw() {
    if (!value) return;
    const isReplaying = Boolean(picture) && number < value.replay.moments.length - 1;
    draw(isReplaying ? boardAt(value, picture, number) : value);
    if (!picture) return;
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
    if (number === value.replay.moments.length - 1) return pause();
    timer = setTimeout(next, Math.max(momentMs(), 2 * lastMs));
  }

  const momentMs = () => (SECONDS * 1000) / value.replay.moments.length;

  function next() {
    if (!board.isConnected) return;
    // Nothing moves on a page that nobody sees.
    if (board.offsetParent !== null && !document.hidden) {
      // A slow machine leaves moments out, and stays free for the visitor half of the time.
      const began = performance.now();
      const step = Math.max(1, Math.round((2 * lastMs) / momentMs()));
      number = Math.min(number + step, value.replay.moments.length - 1);
      redraw();
      lastMs = performance.now() - began;
    }
    plan();
  }

  button.addEventListener("click", () => (timer ? pause() : play()));
  function go(to) {
    pause();
    number = to;
    redraw();
  }
  slider.addEventListener("input", () => go(Number(slider.value)));

  let asked = null; // the board whose recording is on its way

  async function show(newest) {
    if (value?.replay && newest.replay && newest.run && newest.run === value.run && (picture || asked)) {
      value = { ...newest, replay: value.replay }; // with other words: it goes on playing
      return redraw();
    }
    const mine = (asked = {});
    pause();
    value = newest;
    picture = null;
    panel.hidden = !newest.replay;
    redraw();
    if (!newest.replay) return;
    const { plays, recorded } = newest.replay;
    panel.querySelector(".recorded").hidden = !recorded;
    panel.querySelector(".files").hidden = recorded || !isLive;
    // Until the pictures are there, only the result is; its place is kept, so that nothing jumps.
    button.disabled = slider.disabled = true;
    slider.value = slider.max;
    setText(panel.querySelector(".moment"), "Result");
    const replay = newest.replay.sheet ? newest.replay : await server.recording(newest.identity).catch(() => null);
    if (asked !== mine) return; // another board has come meanwhile
    panel.hidden = !replay?.sheet;
    if (panel.hidden) return;
    const opened = await openSheet(replay);
    if (asked !== mine) return;
    value = { ...value, replay };
    picture = opened;
    number = replay.moments.length - 1;
    slider.max = number;
    button.disabled = slider.disabled = false;
    if (plays && !still.matches) play();
    else redraw();
  }

  return { show, redraw, go };
}
