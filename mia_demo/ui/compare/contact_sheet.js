// uses shared/elements
// A column per person, a row per lane: red frames are faces that leaked. One sprite per lane holds
// all its pictures; a tile shows its part of it.
const section = $(".sheet");
const strips = $(".strips");
const ON_A_PAGE = 20; // people
const MIN_TILE = 62; // pixels
let urls = [];
let chosen = null; // lane
let first = 0; // person on the page

function showTile(strip, url, index, words) {
  const { columns, identities } = props.value;
  const rows = Math.ceil(identities.length / columns);
  const tile = make("div", "square", strip);
  tile.setAttribute("role", "img");
  tile.setAttribute("aria-label", words);
  tile.title = words;
  tile.style.backgroundImage = `url("${url}")`;
  tile.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  const part = (position, count) => (count > 1 ? (position / (count - 1)) * 100 : 0) + "%";
  tile.style.backgroundPosition = part(index % columns, columns) + " " + part(Math.floor(index / columns), rows);
  return tile;
}

function showStrip(start, end, width) {
  const { identities, lanes } = props.value;
  const strip = make("div", "strip", strips);
  strip.style.setProperty("--people", width);
  const people = identities.slice(start, end);
  const fill = () => { for (let gap = people.length; gap < width; gap++) make("span", "", strip); };
  make("span", "name clipped quiet", strip, "real photo");
  people.forEach(({ number }, at) => showTile(strip, urls[0], start + at, "Training photo of identity " + number));
  fill();
  lanes.forEach(({ name, style }, position) => {
    if (chosen !== null && chosen !== name) return;
    const label = make("span", "name clipped strong lane", strip, name);
    Object.assign(label.dataset, { style });
    label.title = name;
    people.forEach(({ number, tiles }, at) => {
      const { recognised, says, share } = tiles[position];
      const words = `Best reconstruction of identity ${number} from lane ${name}: ${recognised ? "recognised" : says}; ${share}`;
      const tile = showTile(strip, urls[position + 1], start + at, words);
      tile.dataset.kind = recognised ? "recognised" : "other";
      make("span", "verdict", tile, recognised ? "✓" : "✗").dataset.kind = tile.dataset.kind;
    });
    fill();
  });
}

function showPage() {
  strips.replaceChildren();
  if (section.hidden || !strips.clientWidth) return;
  const total = props.value.identities.length;
  const end = Math.min(first + ON_A_PAGE, total);
  const fitting = Math.max(3, Math.floor((strips.clientWidth - 24) / MIN_TILE));
  const width = Math.min(fitting, 10, total);
  for (let start = first; start < end; start += width) showStrip(start, Math.min(start + width, end), width);
  setText(".shown", `${first + 1} to ${end} of ${total}`);
  $(".pager .back").disabled = first === 0;
  $(".pager .on").disabled = end === total;
  for (const part of section.querySelectorAll(".back, .shown, .on")) part.hidden = total <= ON_A_PAGE;
  $(".pager .all").hidden = chosen === null;
}

function show() {
  section.hidden = !props.value || !props.value.identities;
  urls.forEach((url) => URL.revokeObjectURL(url));
  if (section.hidden) return strips.replaceChildren();
  if (!props.value.lanes.some(({ name }) => name === chosen)) chosen = null;
  first = 0;
  urls = [props.value.photos, ...props.value.lanes.map(({ uri }) => uri)].map(shortUrl);
  showPage();
}

function turn(step) {
  first += step * ON_A_PAGE;
  showPage();
}
$(".pager .back").addEventListener("click", () => turn(-1));
$(".pager .on").addEventListener("click", () => turn(1));
$(".pager .all").addEventListener("click", () => {
  document.dispatchEvent(new CustomEvent("chosen-lane", { detail: { lane: null } }));
});
document.addEventListener("chosen-lane", ({ detail }) => {
  chosen = detail.lane;
  if (section.hidden) return;
  showPage();
  if (detail.reveal && chosen !== null) section.scrollIntoView({ block: "start" });
});
let drawnAt = 0;
new ResizeObserver(([{ contentRect }]) => {
  const now = Math.round(contentRect.width);
  if (now === drawnAt) return;
  drawnAt = now;
  showPage();
}).observe(strips);
watch("value", show);
show();
