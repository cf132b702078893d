// uses shared/elements
// Names, licences and addresses come from strangers: they are only ever set as text.
const section = $(".models");
const machine = $(".machine");
const groups = $(".groups");

// A button that asks once more: what is removed has to be loaded again. News from elsewhere must not
// take the question away.
let asked = "";
function removal(parent, chosen, label) {
  const buttons = make("div", "buttons", parent);
  const offer = () => {
    if (asked === chosen) asked = "";
    buttons.replaceChildren();
    return button(buttons, "Remove", `Remove ${label}`, () => ask().focus());
  };
  const ask = () => {
    asked = chosen;
    const remove = () => {
      offer(); // a double click asks again instead of removing twice
      props.value = { ...props.value, chosen };
      trigger("delete");
    };
    return askAgain(buttons, `Remove ${label}?`,
      ["Remove", `Yes, remove ${label}`, remove], [`Keep ${label}`, () => offer().focus()]);
  };
  if (asked === chosen) ask();
  else offer();
}

function showItem(list, item) {
  const card = make("li", "card", list);
  if (item.style !== null) card.dataset.style = item.style;
  const title = make("h4", "flow", card);
  make("span", "name", title, item.name);
  if (item.alpha) make("span", "alpha", title, item.alpha);
  make("p", "quiet", card, item.role);
  if (item.architecture) make("p", "", card, item.architecture);
  if (item.accuracy) make("p", "", card, item.accuracy);
  if (item.measured) make("p", "measured", card, item.measured).dataset.agrees = item.agrees;
  if (item.source) make("p", "source", card, item.source);
  if (item.licence) make("p", "quiet", card, item.licence);
  if (item.remove) removal(card, item.name, item.name);
}

function showFile(item) {
  const line = row($(".files tbody"), item.name, [item.size]);
  make("code", "", make("td", "", line), item.sha256);
  button(make("td", "", line), "Save", `Save the manifest entry of ${item.name} as JSON`, () =>
    save(`${item.name}.json`, JSON.stringify(item.entry, null, 2), "application/json"));
}

function showGroup(group) {
  const part = make("section", "group", groups);
  part.setAttribute("aria-label", group.title);
  make("h3", "", part, group.title);
  const words = make("p", "words", part, group.words);
  if (group.link) {
    const link = make("a", "", words, "Open its page");
    link.href = group.link;
    link.target = "_blank";
    link.rel = "noreferrer";
    link.before(" ");
  }
  if (group.key) removal(part, group.key, group.title);
  const list = make("ul", "tiled", part);
  group.items.forEach((item) => showItem(list, item));
}

let shown = "";
function show() {
  const value = props.value || {};
  const starts = value.phase === "busy" && section.dataset.phase !== "busy";
  section.dataset.phase = value.phase || "ready";
  setText(".status", value.status || "");
  const isBusy = value.phase === "busy";
  const progress = $("progress");
  progress.hidden = !isBusy;
  if (isBusy && typeof value.progress === "number") progress.value = value.progress;
  else progress.removeAttribute("value");
  setText(".note", value.note || "");
  machine.replaceChildren();
  for (const { label, value: fact } of value.machine || []) {
    const pair = make("div", "", machine);
    make("dt", "quiet", pair, label);
    make("dd", "finding digits", pair, fact);
  }
  // What is unfolded stays while nothing changes.
  const now = JSON.stringify(value.groups || []);
  if (now !== shown) {
    shown = now;
    $(".files tbody").replaceChildren();
    const all = value.groups || [];
    rebuild(groups, () => all.forEach(showGroup));
    all.flatMap(({ items }) => items).forEach(showFile);
    $(".files").hidden = !all.length;
  }
  if (starts) bringIntoView(section);
}

watch("value", show);
show();
