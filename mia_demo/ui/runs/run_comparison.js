// uses shared/elements
// Fills the comparison from the value.
const section = element.querySelector(".comparison");
const body = element.querySelector("tbody");
const lanes = element.querySelector(".lanes");

function showSide(row, side, title) {
  const card = make("div", "side", row);
  make("h5", "", card, title);
  if (!side) return make("p", "", card, "has no such lane");
  const pictures = make("div", "pictures", card);
  for (const { uri, alt } of side.pictures) {
    const image = make("img", "", pictures);
    image.src = uri;
    image.alt = alt;
  }
  const words = make("p", "", card, side.words);
  make("strong", side.recognised ? "right" : "", words, side.verdict);
}

function show() {
  const value = props.value || {};
  section.hidden = !value.titles;
  if (!value.titles) return;
  const headings = element.querySelectorAll("thead th");
  value.titles.forEach((title, index) => (headings[index + 1].textContent = title));
  element.querySelector(".same").textContent = value.differences.length
    ? `${value.words[0]} against ${value.words[1]}. What is not listed is the same.`
    : "Both runs have the same settings, versions and results.";
  element.querySelector(".scroller").hidden = !value.differences.length;
  body.replaceChildren();
  for (const { setting, first, second } of value.differences) {
    const line = make("tr", "", body);
    make("th", "", line, setting).scope = "row";
    make("td", "", line, first);
    make("td", "", line, second);
  }
  lanes.replaceChildren();
  for (const { name, style, sides } of value.lanes) {
    const row = make("article", "lane", lanes);
    row.dataset.style = style;
    make("h4", "", row, name);
    sides.forEach((side, index) => showSide(row, side, value.titles[index]));
  }
}

watch("value", show);
show();
