// uses shared/elements shared/charts shared/seen_again
// Draws the cosines as lines; the names stand at the lines' ends.
const HEIGHT = 280;

function showFigure(lanes) {
  const words = lanes.map(({ name, figures }) => `${name} from ${figures[0]} to ${figures[2]}`);
  const all = lanes.flatMap(({ points }) => points);
  const low = all.some(([, value]) => value < 0) ? -1 : 0;
  const last = Math.max(...all.map(([step]) => step), 2);
  const label = "Gradient cosine over the steps: " + words.join(", ");
  const room = { height: HEIGHT, right: 116, top: 14, bottom: 44 };
  const plot = chart($(".plot"), { label, ...room, x: [1, last], y: [low, 1] });
  if (!plot) return;
  plot.rows(low ? [-1, -0.5, 0, 0.5, 1] : [0, 0.5, 1], (value) => String(value).replace("-", "−"));
  plot.columns([1, Math.round(last / 2), last], (step) => step);
  plot.write("step of the optimisation", { class: "tick", x: (plot.x(1) + plot.x(last)) / 2, y: HEIGHT - 6, "text-anchor": "middle" });
  for (const { points, style } of lanes) plot.line(points, { "data-style": style });
  plot.ends(lanes.map(({ name, style, points }) => ({ text: name, style, value: points.at(-1)[1] })));
}

function show() {
  const value = props.value || {};
  if (!value.source) return;
  const isKnown = value.source !== "none";
  $(".found").hidden = !isKnown;
  $(".nothing").hidden = isKnown;
  setText(".attack", value.source === "yours" ? "Attack again" : "Go to the Attack page");
  if (!isKnown) return;
  setText(".words", value.words);
  $("tbody").replaceChildren();
  for (const { name, style, alpha, figures, paper } of value.lanes) {
    row($("tbody"), name + (alpha ? ", " + alpha : ""), [...figures, paper.join(", ") || "–"], style);
  }
  showFigure(value.lanes);
}

$(".attack").addEventListener("click", () => {
  document.getElementById("tab-attack-button").click();
  window.scrollTo({ top: 0 });
});

// Asks anew whenever the page comes back to the front: there may be another attack by then.
whenSeen(element, () => trigger("select"));
watch("value", show);
show();
drawInto($(".plot"), show);
