// uses shared/elements
// Lists runs; search and the choice of two to compare happen here, without the server.
const list = $("ul");
const search = $("#runs-search");
const compare = $(".compare");
const count = $(".count");
let ticked = [];
const FIRST_SHOWN = 4;
let opened = "";
let isComparing = false; // there are boxes to tick
let isWhole = false; // the list, not only its beginning
const asked = new URL(location.href).searchParams;
let isUntouched = asked.get("tab") !== "runs" || !asked.get("run");

function ask(event, changes) {
  props.value = { ...props.value, ...changes };
  trigger(event);
}

function showItem(item) {
  const entry = make("li", "card", list);
  entry.dataset.key = item.key;
  const head = button(entry, "", `Open ${item.title}`, () => {
    open(item);
    bringIntoView(document.querySelector(".run-details"));
  });
  head.className = "head";
  make("span", "title strong clipped", head, item.title).title = item.title;
  if (item.badge) make("span", "badge strong", head, item.badge);
  if (item.faces) {
    picture(head, item.faces, "", "faces").style.aspectRatio = `${item.count} / 1`;
  }
  make("span", "words quiet", head, item.words);
  make("span", "words quiet", head, [item.kind, item.when].filter(Boolean).join(", "));
  showButtons(make("div", "buttons", entry), item);
}

function showButtons(row, item) {
  row.replaceChildren();
  const label = make("label", "tick marked", row);
  label.hidden = !isComparing;
  const box = make("input", "", label);
  box.type = "checkbox";
  box.checked = ticked.includes(item.key);
  box.setAttribute("aria-label", `Compare ${item.title}`);
  box.addEventListener("change", () => tick(item.key, box.checked));
  label.append("Compare");
  if (!item.change) return;
  button(row, "Rename", `Rename ${item.title}`, () =>
    askName(row, item.title, (name) => ask("edit", { chosen: item.key, name }), () => back(row, item, 0)));
  button(row, "Delete", `Delete ${item.title}`, () => askDeletion(row, item));
}

function back(row, item, index) {
  showButtons(row, item);
  row.querySelectorAll("button")[index].focus();
}

// A deleted run cannot be had back.
function askDeletion(row, item) {
  askAgain(row, "Delete for good?",
    ["Delete", `Yes, delete ${item.title}`, () => ask("delete", { chosen: item.key })],
    [`Keep ${item.title}`, () => back(row, item, 1)]).focus();
}

function open(item) {
  opened = item.key;
  isUntouched = false;
  showChoice();
  ask("select", { chosen: item.key });
}

function tick(key, isTicked) {
  ticked = ticked.filter((other) => other !== key);
  if (isTicked) ticked = [...ticked.slice(-1), key];
  showChoice();
}

// Which run is opened, and which are ticked.
function showChoice() {
  compare.setAttribute("aria-pressed", isComparing);
  compare.disabled = isComparing && ticked.length !== 2;
  compare.textContent = isComparing
    ? ["Compare two: tick them", "Compare two: tick another", "Compare the two"][ticked.length]
    : "Compare two";
  for (const entry of list.children) entry.dataset.open = entry.dataset.key === opened;
  for (const box of list.querySelectorAll("input[type=checkbox]")) {
    box.checked = ticked.includes(box.closest("li").dataset.key);
    box.closest("label").hidden = !isComparing;
  }
}

function wordsOf(text) {
  return text.toLowerCase().split(/[^\p{L}\p{N}]+/u).filter(Boolean);
}

// Each word that is searched for begins one of the entry's: "8" is not found in 18:48.
function filter() {
  const words = wordsOf(search.value);
  const { items } = props.value;
  let found = 0;
  for (const [index, entry] of [...list.children].entries()) {
    const item = items[index];
    const known = wordsOf([item.title, item.kind, item.words, item.when, item.badge].join(" "));
    const isFound = words.every((word) => known.some((one) => one.startsWith(word)));
    entry.hidden = !isFound || (!isWhole && found >= FIRST_SHOWN);
    found += isFound ? 1 : 0;
  }
  count.textContent = words.length
    ? `${found} of ${items.length} runs`
    : `${items.length} ${items.length === 1 ? "run" : "runs"}`;
  $(".more").hidden = isWhole || found <= FIRST_SHOWN;
  $(".more").textContent = `Show all ${found}`;
}

let shown = "";
function show() {
  const { items, private: isPrivate } = props.value || {};
  // An open question stays open when nothing has changed.
  const now = JSON.stringify(items);
  if (!items || now === shown) return;
  shown = now;
  ticked = ticked.filter((key) => items.some((item) => item.key === key));
  rebuild(list, () => {
    items.forEach(showItem);
    showChoice();
    filter();
  });
  if (isUntouched && items.length) open(items[0]);
  $(".scope").textContent = isPrivate
    ? "Everything computed on this machine is kept here, in the folder runs."
    : "Your runs of this browser tab, and recorded ones. Others do not see yours; download what you want to keep.";
}

search.addEventListener("input", filter);
$(".more").addEventListener("click", () => {
  isWhole = true;
  filter();
});
compare.addEventListener("click", () => {
  if (isComparing) {
    opened = "";
    ask("apply", { compared: ticked });
    ticked = [];
  }
  isComparing = !isComparing;
  showChoice();
});
watch("value", show);
show();
