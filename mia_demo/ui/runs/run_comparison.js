// uses shared/elements
// Fills the comparison from the value.
const section = $(".comparison");
const body = $("tbody");
const lanes = $(".lanes");

function showSide(lane, side, title) {
  const card = make("div", "side", lane);
  make("h5", "quiet", card, title);
  if (!side) return make("p", "", card, "has no such lane");
  const pictures = make("div", "pictures tiled", card);
  for (const { uri, alt } of side.pictures) picture(pictures, uri, alt, "square");
  const words = make("p", "", card, side.words);
  make("strong", side.recognised ? "right" : "", words, side.verdict);
}

function showPhotos(photos) {
  if (!photos.some((side) => side.length)) return;
  const card = make("article", "lane card", lanes);
  make("h4", "", card, "The real photo");
  for (const side of photos) {
    const pictures = make("div", "pictures tiled", card);
    for (const { uri, alt } of side) picture(pictures, uri, alt, "square");
  }
}

function show() {
  const value = props.value || {};
  section.hidden = !value.titles;
  if (!value.titles) return;
  const headings = element.querySelectorAll("thead th");
  value.titles.forEach((title, index) => (headings[index + 1].textContent = title));
  $(".same").textContent = value.differences.length
    ? `${value.words[0]} against ${value.words[1]}. What is not listed is the same.`
    : "Both runs have the same settings, versions and results.";
  $(".scroller").hidden = !value.differences.length;
  body.replaceChildren();
  for (const { setting, first, second } of value.differences) row(body, setting, [first, second]);
  lanes.replaceChildren();
  showPhotos(value.photos || []);
  for (const { name, style, sides } of value.lanes) {
    const card = make("article", "lane card", lanes);
    card.dataset.style = style;
    make("h4", "", card, name);
    sides.forEach((side, index) => showSide(card, side, value.titles[index]));
  }
}

watch("value", show);
show();
