// uses shared/elements shared/charts
// Draws the label of a photo of one person: the whole, and its entries enlarged, because the
// share of a single other person is too small to see beside the right one.
const HEIGHT = 190;
const ROOM = { height: HEIGHT, left: 38, right: 4, top: 24, bottom: 30 };
const TARGET = 25; // which of the bars is the right person

const below = (x) => ({ x, y: HEIGHT - 6, "text-anchor": "middle" });

function showWhole(right, together) {
  const whole = chart($(".whole"), { ...ROOM, x: [0, 1], y: [-0.25, 1.25] });
  if (!whole) return;
  whole.write("Whole label", { class: "title", x: 2, y: 14 });
  whole.rows([0, 0.5, 1], (value) => fixed(value, 1));
  const thick = (whole.x(1) - whole.x(0)) * 0.3;
  for (const [at, value, kind, words] of [[0.12, right, "target", "right"], [0.6, together, "other", "others"]]) {
    whole.bar(whole.x(at), thick, value, { class: kind });
    whole.write(words, below(whole.x(at) + thick / 2));
  }
}

// A hundred bars side by side, without gaps: one is thinner than a pixel's width and a half.
function showEnlarged(right, other, classes) {
  const range = [-0.25 / classes, 0.6 / classes];
  const plot = chart($(".enlarged"), { ...ROOM, left: 54, x: [0, classes], y: range });
  if (!plot) return;
  plot.write("Enlarged", { class: "title", x: 8, y: 14 });
  plot.rows([0, 0.5 / classes], (value) => fixed(value, 3));
  const x = plot.x(TARGET % classes);
  plot.bar(plot.x(0), plot.x(classes) - plot.x(0), other, { class: "other" });
  draw("rect", { class: "gap", x: x - 1, width: 5, y: ROOM.top, height: HEIGHT - ROOM.top - ROOM.bottom }, plot.svg);
  plot.bar(x, 3, right, { class: "target" });
  // The right person's bar is taller than this plot by far.
  draw("path", { class: "cut", d: `M${x - 4} ${ROOM.top + 12}l11 -5` }, plot.svg);
  plot.write(`${classes} people`, below(plot.x(classes / 2)));
}

function show() {
  const alpha = Number(props.value);
  const classes = props.classes;
  if (Number.isNaN(alpha)) return;
  const right = 1 - alpha + alpha / classes;
  const other = alpha / classes;
  const together = other * (classes - 1);
  const values = `Right person ${fixed(right, 4)}, each of the ${classes - 1} others ${fixed(other, 4)}`;
  $(".plots").setAttribute("aria-label", `Smoothed label: ${values}, all others together ${fixed(together, 4)}`);
  showWhole(right, together);
  showEnlarged(right, other, classes);
  setText(".values", values + ".");
  setText(".meaning",
    alpha < 0
      ? "Negative: more than certain, and looking like anybody else counts against it."
      : alpha > 0
        ? "Positive: a little of everybody, so the classifier should not be too sure."
        : "Zero: exactly this person, the ordinary label.");
}

watch(["value", "classes"], show);
drawInto($(".plots"), show);
