// uses shared/elements shared/seen_again
// Bars around a zero line: label, softmax and gradient of the classes that matter.
const COLUMNS = ["y_LS", "p", "p − y_LS"];
// Bars reach from −0.6 to 1.6: labels for every factor that can be chosen.
const LOW = -0.6;
const HIGH = 1.6;

const share = (value) => ((Math.min(Math.max(value, LOW), HIGH) - LOW) / (HIGH - LOW)) * 100;

function showBar(cell, value) {
  const track = make("span", "track", cell);
  track.setAttribute("aria-hidden", "true");
  const bar = make("span", "bar", track);
  const [from, to] = [share(Math.min(value, 0)), share(Math.max(value, 0))];
  bar.style.left = from + "%";
  bar.style.width = Math.max(to - from, 0.6) + "%";
}

function showLane(lane) {
  const article = make("article", "lane card", $(".lanes"));
  article.dataset.style = lane.style;
  const heading = make("h3", "flow", article, lane.name);
  make("small", "", heading, "trained with " + lane.alpha);
  const table = make("table", "", article);
  const head = make("tr", "", make("thead", "", table));
  make("th", "", head, "Class").scope = "col";
  for (const title of COLUMNS) make("th", "", head, title).scope = "col";
  const body = make("tbody", "", table);
  for (const { name, is_true: isTrue, values, texts } of lane.rows) {
    const line = row(body, name, []);
    line.className = isTrue ? "true" : "";
    values.forEach((value, index) => {
      const cell = make("td", "", line);
      make("span", "number", cell, texts[index]);
      showBar(cell, value);
    });
  }
  make("p", "numbers", article, lane.formula);
  make("p", "words", article, `Logit of the true class: ${lane.logit}. ${lane.words}`);
}

function show() {
  const value = props.value || {};
  if (!value.lanes) return;
  $(".loading").hidden = true;
  $(".found").hidden = false;
  $("img").src = value.uri;
  $("img").alt = `First test photo of identity ${value.identity}`;
  $(".label").replaceChildren();
  for (const line of value.label) make("p", "numbers", $(".label"), line);
  $(".lanes").replaceChildren();
  value.lanes.forEach(showLane);
}

whenSeen(element, () => trigger("select"));
watch("value", show);
show();
