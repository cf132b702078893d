// uses shared/elements shared/charts shared/time_left
// Progress, and curves drawn from one number per epoch.
const section = $(".training");
const RIGHT = 10; // style numbers: the right person, and all others
const OTHERS = 3;

const percent = (share) => (share * 100).toFixed(1) + "%";
const mean = (logit) => fixed(logit, 1);
const factor = (alpha) => String(Number(alpha.toFixed(4))).replace("-", "−");
// Curves of one number per epoch: title, words, and what is drawn of the board's value.
// series: [{name, style, values, text}]; planned: values for every epoch in all.
const CHARTS = [
  ["Mean logits", "The same drift, epoch by epoch: the right person against all others.", (value) => ({
    range: [-1, 1],
    series: [
      { name: "right person", style: RIGHT, values: value.target_mean, text: mean },
      { name: "others", style: OTHERS, values: value.others_mean, text: mean },
    ],
  })],
  ["α in effect", "What each epoch really used. A negative α is brought in gradually.", (value) => ({
    range: [0, 0.02], planned: value.planned,
    series: [{ name: "used", style: 9, values: value.alpha, text: factor }],
  })],
  ["Accuracy", "Train: photos it learns from, cropped and recoloured. Test: photos it never saw. A wide gap means it learns by heart.", (value) => ({
    range: [0, 1], axis: (share) => Math.round(share * 100) + "%",
    series: [
      { name: "train", style: 9, values: value.train_accuracy, text: percent },
      { name: "test", style: 1, values: value.test_accuracy, text: percent },
    ],
  })],
  ["Loss", "Compare within one α only: a positive α has a floor above 0, a negative one has none and may fall below 0.", (value) => ({
    range: [0, 1],
    series: [{ name: "loss", style: 9, values: value.loss, text: (loss) => fixed(loss, 2) }],
  })],
];
const figures = CHARTS.map(([title, words]) => {
  const figure = make("figure", "card", $(".charts"));
  const caption = make("figcaption", "", figure);
  make("h3", "", caption, title);
  make("p", "quiet", caption, words);
  make("div", "plot", figure);
  make("ul", "legend flow digits", figure);
  return figure;
});

function legend(figure, entries) {
  const list = figure.querySelector(".legend");
  list.replaceChildren();
  for (const { style, text, kind } of entries) {
    const item = make("li", "marked", list);
    if (style !== undefined) item.dataset.style = style;
    sample(item, { class: kind || "line" });
    item.append(text);
  }
}

function curves(figure, title, { numbers, total }, { series, range, planned, axis }) {
  const known = numbers.length > 0;
  const last = known ? series.map(({ name, values, text }) => `${name} ${text(values.at(-1))}`) : [];
  const label = known ? `${title} after epoch ${numbers.at(-1)} of ${total}: ${last.join(", ")}` : `${title}: no epoch is finished yet`;
  const values = [...series.flatMap((one) => one.values), ...(planned || [])];
  const { found, digits } = ticks(Math.min(...range, ...values), Math.max(...range, ...values), 4);
  const plot = chart(figure.querySelector(".plot"), {
    label, height: 150, x: [1, Math.max(total, 2)], y: [found[0], found.at(-1)],
  });
  if (!plot) return;
  plot.rows(found, axis || ((value) => fixed(value, digits)));
  if (total) {
    const below = { class: "tick", y: plot.height - 4 };
    plot.write("epoch 1", { ...below, x: plot.x(1) });
    if (total > 1) plot.write(total, { ...below, x: plot.width, "text-anchor": "end" });
  }
  if (planned) plot.line(planned.map((value, index) => [index + 1, value]), { class: "planned" });
  for (const { style, values: list } of series) {
    if (!list.length) continue;
    plot.line(list.map((value, index) => [numbers[index], value]), { "data-style": style });
    const end = [plot.x(numbers.at(-1)), plot.y(list.at(-1))];
    mark(0, ...end, plot.svg, 0.5, { "data-style": style });
  }
  const entries = series.map(({ name, style }, index) => ({ style, text: known ? last[index] : name }));
  if (planned && planned.length) entries.push({ text: "planned", kind: "planned" });
  legend(figure, entries);
}

// Heights are densities, each heap scaled to its own peak: there are many more others.
function heap(plot, fine, { low: start, high: end }, merged) {
  const shares = fine.filter((_, index) => index % merged === 0).map((_, group) =>
    fine.slice(group * merged, (group + 1) * merged).reduce((sum, share) => sum + share));
  const peak = Math.max(...shares);
  const size = (end - start) / shares.length;
  const at = (number) => plot.x(start + number * size).toFixed(1);
  const steps = shares.map((share, index) => `L${at(index)} ${plot.y(share / peak).toFixed(1)}H${at(index + 1)}`);
  return `M${at(0)} ${plot.y(0)}${steps.join("")}L${at(shares.length)} ${plot.y(0)}`;
}

function histogram(value) {
  const figure = $(".histogram");
  const { first, latest, low, high } = value;
  const epoch = value.numbers.at(-1);
  const [right, others] = latest ? [fixed(latest.target_mean, 1), fixed(latest.others_mean, 1)] : [];
  const label = latest
    ? `Logits after epoch ${epoch}: right person ${right} on average, others ${others}`
    : "Logits: no epoch is finished yet";
  const area = figure.querySelector(".plot");
  const { found, digits } = ticks(low, high, area.clientWidth < 500 ? 5 : 10);
  const plot = chart(area, {
    label, height: 210, left: 12, right: 12, x: [found[0], found.at(-1)], y: [0, 1],
  });
  if (!plot) return;
  plot.rows([0], () => "");
  if (!latest) {
    const middle = { class: "empty", x: plot.width / 2, y: plot.height / 2, "text-anchor": "middle" };
    plot.write("Appears after the first epoch", middle);
    legend(figure, [{ style: OTHERS, text: "all others", kind: "heap" }, { style: RIGHT, text: "right person", kind: "heap" }]);
    return;
  }
  plot.columns(found, (logit) => fixed(logit, digits));
  for (const [key, style] of [["others", OTHERS], ["target", RIGHT]]) {
    const drawn = { "data-style": style };
    draw("path", { class: "heap", d: heap(plot, latest[key], latest, 1), ...drawn }, plot.svg);
    if (epoch > value.numbers[0]) draw("path", { class: "before", d: heap(plot, first[key], first, 3), ...drawn }, plot.svg);
  }
  legend(figure, [
    { style: OTHERS, text: `all others, mean ${others}`, kind: "heap" },
    { style: RIGHT, text: `right person, mean ${right}`, kind: "heap" },
    { text: `dashed: after epoch ${value.numbers[0]}; each heap scaled to its own peak`, kind: "planned" },
  ]);
}

function show() {
  const value = props.value;
  section.hidden = !value || !value.phase;
  if (section.hidden) return;
  if (section.dataset.phase === "ready" && value.phase !== "ready") bringIntoView(section);
  section.dataset.phase = value.phase;
  setText(".status", value.status);
  setText(".announcement", value.announcement);
  setText(".facts", value.facts);
  $("progress").value = value.progress;
  endIn(value.seconds_left);
  const { numbers, total, planned, loss, train_accuracy, test_accuracy } = value;
  const drawn = JSON.stringify([numbers, total, planned, loss, train_accuracy, test_accuracy, section.clientWidth]);
  if (drawn === section.dataset.drawn) return;
  section.dataset.drawn = drawn;
  histogram(value);
  CHARTS.forEach(([title, , parts], index) => curves(figures[index], title, value, parts(value)));
}

watch("value", show);
show();
drawInto(section, show);
