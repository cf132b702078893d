// A dozen people at a glance: the photos, then a row for each lane with its best reconstructions
// and how many of all people it gives away.
function showStrip(value) {
  const strip = $(".strip");
  strip.hidden = !value || !value.people;
  if (strip.hidden) return;
  strip.style.setProperty("--people", value.people.length);
  const photos = stripRow(strip, `${value.people.length} people`, value.photos);
  make("p", "legend", photos, "✓ People recognised (best face)");
  value.people.forEach((person, index) => stripTile(photos, value, index, "photo", `Photo of identity ${person}`));
  for (const { name, uri, style, seen, given } of value.lanes) {
    const row = stripRow(strip, name, uri);
    row.dataset.style = style;
    value.people.forEach((person, index) => {
      const isRight = seen[index] === person;
      const words = isRight ? "recognised" : `taken for identity ${seen[index]}`;
      const about = `Identity ${person}, recorded, from lane ${name}: ${words}`;
      stripTile(row, value, index, isRight ? "recognised" : "other", about);
    });
    if (given) stripShare(row, name, given);
  }
}

function stripRow(strip, title, uri) {
  const row = make("div", "row", strip);
  row.style.setProperty("--sheet", `url(${uri})`);
  make("span", "name clipped strong", row, title);
  make("span", "tiles", row);
  return row;
}

function stripTile(row, { people }, index, kind, words) {
  const tile = make("span", "tile", row.querySelector(".tiles"));
  tile.setAttribute("role", "img");
  tile.setAttribute("aria-label", words);
  tile.title = words;
  tile.dataset.kind = kind;
  tile.style.backgroundPosition = `${(index / Math.max(people.length - 1, 1)) * 100}% 0`;
}

// The band over the bar is the 95 % interval.
function stripShare(row, name, { known, low, high, people }) {
  const share = make("div", "share", row);
  make("strong", "digits", share, String(known));
  make("span", "", share, `of ${people}`);
  share.title = `Recorded: lane ${name} gives away ${known} of ${people}, 95% interval ${low} to ${high}: people whom the evaluator recognises in their best reconstruction`;
  const meter = make("div", "meter", share);
  const about = { role: "meter", "aria-label": `Given away by lane ${name}`, "aria-valuenow": known, "aria-valuemin": 0 };
  for (const [key, text] of Object.entries({ ...about, "aria-valuemax": people, "aria-valuetext": share.title })) {
    meter.setAttribute(key, text);
  }
  const across = (count) => `${(count / people) * 100}%`;
  make("div", "fill", meter).style.width = across(known);
  Object.assign(make("div", "range", meter).style, { left: across(low), width: across(high - low) });
}
