// Progress, and curves drawn from one number an epoch. The time left counts down between two
// messages of the server.
const SVG = "http://www.w3.org/2000/svg";
const section = element.querySelector(".training");
const RIGHT = 4; // style numbers: the right person, and all others
const OTHERS = 5;
const LEFT = 52;
const TOP = 10;
const BOTTOM = 24;
let endsAt = null;

function draw(tag, attributes, parent, text) {
  const node = document.createElementNS(SVG, tag);
  for (const [name, value] of Object.entries(attributes)) node.setAttribute(name, value);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function setText(selector, text) {
  const node = element.querySelector(selector);
  if (node.textContent !== text) node.textContent = text;
}

// With a true minus sign, and none before zero.
function minus(text) {
  return Number(text) === 0 ? text.replace("-", "") : text.replace("-", "−");
}

function clock(seconds) {
  if (seconds < 50) return "less than a minute";
  const minutes = Math.round(seconds / 60);
  if (minutes < 2) return "about a minute";
  return minutes < 90 ? `about ${minutes} minutes` : `about ${Math.round(minutes / 60)} hours`;
}

function tick() {
  const seconds = endsAt === null ? null : (endsAt - Date.now()) / 1000;
  const words = seconds === null ? "" : clock(seconds) + " left";
  setText(".left", words && words[0].toUpperCase() + words.slice(1));
}

// Round numbers that enclose low and high.
function ticks(low, high, most) {
  const width = Math.max(high - low, 1e-6);
  const power = 10 ** Math.floor(Math.log10(width / most));
  const step = [1, 2, 5, 10].map((factor) => factor * power).find((size) => width / size <= most);
  const found = [];
  for (let n = Math.floor(low / step + 1e-9); n <= Math.ceil(high / step - 1e-9); n++) found.push(n * step);
  const digits = Math.max(0, -Math.floor(Math.log10(step) + 1e-9));
  return { found, text: (value) => minus(value.toFixed(digits)) };
}

function canvas(figure, label, height) {
  const plot = figure.querySelector(".plot");
  plot.replaceChildren();
  const width = plot.clientWidth;
  if (!width) return null;
  const svg = draw("svg", { viewBox: `0 0 ${width} ${height}`, width, height, role: "img", "aria-label": label }, plot);
  return { svg, width, height };
}

function legend(figure, entries) {
  const list = figure.querySelector(".legend");
  list.replaceChildren();
  for (const { style, text, kind } of entries) {
    const item = document.createElement("li");
    if (style !== undefined) item.dataset.style = style;
    const swatch = draw("svg", { width: 28, height: 12, "aria-hidden": true }, item);
    draw("path", { class: kind || "line", d: "M0 6H28" }, swatch);
    item.append(text);
    list.append(item);
  }
}

// series: [{name, style, values, text}]; planned: values for every epoch in all.
function curves(kind, { numbers, total, series, range, planned, axis }) {
  const figure = element.querySelector(`[data-chart=${kind}]`);
  const title = figure.querySelector("h3").textContent;
  const known = numbers.length > 0;
  const last = known ? series.map(({ name, values, text }) => `${name} ${text(values.at(-1))}`) : [];
  const label = known ? `${title} after epoch ${numbers.at(-1)} of ${total}: ${last.join(", ")}` : `${title}: no epoch is finished yet`;
  const page = canvas(figure, label, 150);
  if (!page) return;
  const { svg, width, height } = page;
  const values = [...series.flatMap((one) => one.values), ...(planned || [])];
  const scale = ticks(Math.min(...range, ...values), Math.max(...range, ...values), 4);
  const [low, high] = [scale.found[0], scale.found.at(-1)];
  const y = (value) => TOP + ((high - value) / (high - low)) * (height - TOP - BOTTOM);
  const x = (number) => LEFT + ((number - 1) / Math.max(total - 1, 1)) * (width - LEFT - 8);
  for (const value of scale.found) {
    draw("path", { class: "grid", d: `M${LEFT} ${y(value)}H${width}` }, svg);
    draw("text", { x: LEFT - 6, y: y(value) + 5, "text-anchor": "end" }, svg, axis ? axis(value) : scale.text(value));
  }
  if (total) {
    draw("text", { x: LEFT, y: height - 4 }, svg, "epoch 1");
    if (total > 1) draw("text", { x: width, y: height - 4, "text-anchor": "end" }, svg, total);
  }
  const points = (list, at) => list.map((value, index) => `${x(at(index)).toFixed(1)},${y(value).toFixed(1)}`).join(" ");
  if (planned) draw("polyline", { class: "planned", points: points(planned, (index) => index + 1) }, svg);
  for (const { style, values: list } of series) {
    if (!list.length) continue;
    draw("polyline", { class: "line", "data-style": style, points: points(list, (index) => numbers[index]) }, svg);
    draw("circle", { class: "point", "data-style": style, cx: x(numbers.at(-1)), cy: y(list.at(-1)), r: 4 }, svg);
  }
  const entries = series.map(({ name, style }, index) => ({ style, text: known ? last[index] : name }));
  if (planned && planned.length) entries.push({ text: "planned", kind: "planned" });
  legend(figure, entries);
}

function histogram(value) {
  const figure = element.querySelector("[data-chart=histogram]");
  const { first, latest, low, high } = value;
  const epoch = value.numbers.at(-1);
  const words = latest
    ? `Logits after epoch ${epoch}: right person ${minus(latest.target_mean.toFixed(1))} on average, others ${minus(latest.others_mean.toFixed(1))}`
    : "Logits: no epoch is finished yet";
  const page = canvas(figure, words, 210);
  if (!page) return;
  const { svg, width, height } = page;
  const floor = height - BOTTOM;
  const scale = ticks(low, high, width < 500 ? 5 : 10);
  const [from, to] = [scale.found[0], scale.found.at(-1)];
  const x = (logit) => 12 + ((logit - from) / (to - from)) * (width - 24);
  draw("path", { class: "grid", d: `M0 ${floor}H${width}` }, svg);
  if (!latest) {
    draw("text", { x: width / 2, y: height / 2, "text-anchor": "middle", class: "empty" }, svg, "Appears after the first epoch");
    legend(figure, [{ style: OTHERS, text: "all others" }, { style: RIGHT, text: "right person" }]);
    return;
  }
  for (const logit of scale.found) {
    draw("text", { x: x(logit), y: height - 5, "text-anchor": "middle" }, svg, scale.text(logit));
  }
  // Heights are densities, each heap scaled to its own peak: there are many more others.
  const heap = (fine, { low: start, high: end }, merged) => {
    const shares = fine.filter((_, index) => index % merged === 0).map((_, group) =>
      fine.slice(group * merged, (group + 1) * merged).reduce((sum, share) => sum + share));
    const peak = Math.max(...shares);
    const size = (end - start) / shares.length;
    const steps = shares.map((share, index) => {
      const top = floor - (share / peak) * (floor - TOP);
      return `L${x(start + index * size).toFixed(1)} ${top.toFixed(1)}H${x(start + (index + 1) * size).toFixed(1)}`;
    });
    return `M${x(start).toFixed(1)} ${floor}${steps.join("")}L${x(end).toFixed(1)} ${floor}`;
  };
  for (const [key, style] of [["others", OTHERS], ["target", RIGHT]]) {
    draw("path", { class: "heap", "data-style": style, d: heap(latest[key], latest, 1) }, svg);
    if (epoch > value.numbers[0]) draw("path", { class: "before", "data-style": style, d: heap(first[key], first, 3) }, svg);
  }
  legend(figure, [
    { style: OTHERS, text: `all others, mean ${minus(latest.others_mean.toFixed(1))}` },
    { style: RIGHT, text: `right person, mean ${minus(latest.target_mean.toFixed(1))}` },
    { text: `dashed: after epoch ${value.numbers[0]}; each heap scaled to its own peak`, kind: "planned" },
  ]);
}

function showCharts(value) {
  const { numbers, total } = value;
  const percent = (share) => (share * 100).toFixed(1) + "%";
  const one = (number) => minus(number.toFixed(1));
  histogram(value);
  curves("means", {
    numbers, total, range: [-1, 1],
    series: [
      { name: "right person", style: RIGHT, values: value.target_mean, text: one },
      { name: "others", style: OTHERS, values: value.others_mean, text: one },
    ],
  });
  curves("alpha", {
    numbers, total, range: [0, 0.02], planned: value.planned,
    series: [{ name: "used", style: 3, values: value.alpha, text: (alpha) => minus(String(Number(alpha.toFixed(4)))) }],
  });
  curves("accuracy", {
    numbers, total, range: [0, 1], axis: (share) => Math.round(share * 100) + "%",
    series: [
      { name: "train", style: 3, values: value.train_accuracy, text: percent },
      { name: "test", style: 1, values: value.test_accuracy, text: percent },
    ],
  });
  curves("loss", {
    numbers, total, range: [0, 1],
    series: [{ name: "loss", style: 3, values: value.loss, text: (loss) => minus(loss.toFixed(2)) }],
  });
}

function show() {
  const value = props.value;
  section.hidden = !value || !value.phase;
  if (section.hidden) return;
  const starts = section.dataset.phase === "ready" && value.phase !== "ready";
  // On a phone the board lies below the buttons: a started training should be seen.
  if (starts && window.innerWidth <= 700) section.scrollIntoView({ block: "start" });
  section.dataset.phase = value.phase;
  setText(".status", value.status);
  setText(".announcement", value.announcement);
  setText(".facts", value.facts);
  element.querySelector("progress").value = value.progress;
  endsAt = value.seconds_left === null ? null : Date.now() + value.seconds_left * 1000;
  tick();
  const drawn = JSON.stringify([value.numbers, value.total, value.planned, section.clientWidth]);
  if (drawn === section.dataset.drawn) return;
  section.dataset.drawn = drawn;
  showCharts(value);
}

setInterval(tick, 1000);
watch("value", show);
new ResizeObserver(show).observe(section);
show();
