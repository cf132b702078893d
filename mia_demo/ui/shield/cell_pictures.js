// uses shared/elements
// One cell's reconstructions, each below the person's photo.
const cell = $(".cell");

function tile(parent, sheet, index, { columns, people }) {
  const part = (position, count) => (count > 1 ? (position / (count - 1)) * 100 : 0) + "%";
  const rows = Math.ceil(people.length / columns);
  const node = make("span", "square", parent);
  node.style.backgroundImage = `var(--${sheet})`;
  node.style.backgroundSize = `${columns * 100}% ${rows * 100}%`;
  node.style.backgroundPosition = `${part(index % columns, columns)} ${part(Math.floor(index / columns), rows)}`;
}

function showCell(found) {
  cell.hidden = false;
  for (const part of ["title", "facts", "missing"]) setText({ title: "#shield-cell" }[part] || `.${part}`, found[part]);
  const pairs = $(".pairs");
  pairs.replaceChildren();
  for (const sheet of ["photos", "pictures"]) pairs.style.setProperty(`--${sheet}`, `url("${found[sheet]}")`);
  $(".whom").replaceChildren();
  found.people.forEach(({ number, seen, recognised }, index) => {
    const pair = make("div", "pair", pairs);
    pair.setAttribute("role", "listitem");
    tile(pair, "photos", index, found);
    tile(pair, "pictures", index, found);
    const verdict = make("span", "verdict", pair, recognised ? `✓ ${number}` : `✗ ${seen}`);
    verdict.dataset.kind = recognised ? "recognised" : "other";
    pair.setAttribute("aria-label", `Identity ${number}: ${recognised ? "recognised" : `taken for ${seen}`}`);
    make("option", "", $(".whom"), number);
  });
  for (const part of [".live", ".deal", "label"]) cell.querySelector(part).hidden = !found.live;
  cell.focus({ preventScroll: true });
  cell.scrollIntoView({ block: "nearest" });
}

// Another page, opened by the server as a link would be.
function go(link) {
  props.value = { ...props.value, link };
  trigger("select");
}
