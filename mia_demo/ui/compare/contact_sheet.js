// uses shared/elements
// One sprite per lane holds all its pictures; a tile shows its part of it.
const section = $(".sheet");
const cards = $(".cards");
const lanes = $(".lanes");
let urls = [];
let chosen = null;

// A short address instead of a long data URI in the style of every tile.
function shortUrl(uri) {
  const bytes = Uint8Array.from(atob(uri.split(",")[1]), (letter) => letter.charCodeAt(0));
  const url = URL.createObjectURL(new Blob([bytes], { type: "image/jpeg" }));
  urls.push(url);
  return url;
}

function showTile(figure, url, index, words) {
  const { columns, identities } = props.value;
  const rows = Math.ceil(identities.length / columns);
  const tile = make("div", "square", figure);
  tile.setAttribute("role", "img");
  tile.setAttribute("aria-label", words);
  tile.style.backgroundImage = `url("${url}")`;
  tile.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  const part = (position, count) => (count > 1 ? (position / (count - 1)) * 100 : 0) + "%";
  tile.style.backgroundPosition = part(index % columns, columns) + " " + part(Math.floor(index / columns), rows);
}

function showCard(identity, index, photos, sprites) {
  const card = make("li", "card", cards);
  make("h4", "", card, "Identity " + identity.number);
  const tiles = make("div", "tiles", card);
  const real = make("figure", "", tiles);
  showTile(real, photos, index, "Training photo of identity " + identity.number);
  make("figcaption", "", real, "training photo");
  identity.tiles.forEach(({ mark, says, recognised, share }, position) => {
    const lane = props.value.lanes[position];
    const figure = make("figure", "lane", tiles);
    figure.dataset.lane = lane.name;
    figure.dataset.style = lane.style;
    figure.title = share;
    showTile(figure, sprites[position], index, `Best reconstruction of identity ${identity.number} from lane ${lane.name}`);
    const caption = make("figcaption", "", figure);
    make("span", "name", caption, lane.name);
    make("span", "verdict", caption, mark).dataset.kind = recognised ? "recognised" : "other";
    make("span", "says", caption, says);
  });
}

function showChoices() {
  for (const old of lanes.querySelectorAll("label")) old.remove();
  for (const name of [null, ...props.value.lanes.map((lane) => lane.name)]) {
    const label = make("label", "badge cover", lanes);
    const tell = () => document.dispatchEvent(new CustomEvent("chosen-lane", { detail: { lane: name } }));
    radio(label, "sheet-lane", name || "", name === chosen, tell);
    make("span", "", label, name === null ? "all lanes" : name);
  }
}

function emphasise() {
  if (!props.value || !props.value.lanes) return;
  cards.dataset.narrow = chosen !== null;
  for (const figure of cards.querySelectorAll(".lane")) {
    figure.hidden = chosen !== null && figure.dataset.lane !== chosen;
  }
  for (const input of lanes.querySelectorAll("input")) input.checked = input.value === (chosen || "");
  const total = props.value.identities.length;
  const counted = props.value.lanes.filter((lane) => chosen === null || lane.name === chosen);
  $(".count").textContent =
    "Best picture recognised: " + counted.map(({ name, right }) => `${name} ${right} of ${total}`).join(", ");
}

function show() {
  const known = Boolean(props.value && props.value.identities);
  section.hidden = !known;
  cards.replaceChildren();
  urls.forEach((url) => URL.revokeObjectURL(url));
  urls = [];
  if (!known) return;
  if (!props.value.lanes.some((lane) => lane.name === chosen)) chosen = null;
  const photos = shortUrl(props.value.photos);
  const sprites = props.value.lanes.map((lane) => shortUrl(lane.uri));
  cards.style.setProperty("--lanes", props.value.lanes.length);
  showChoices();
  props.value.identities.forEach((identity, index) => showCard(identity, index, photos, sprites));
  emphasise();
}

document.addEventListener("chosen-lane", ({ detail }) => {
  chosen = detail.lane;
  emphasise();
  if (detail.reveal && chosen !== null) section.scrollIntoView({ block: "start" });
});
watch("value", show);
show();
