// Names come from a stranger's zip: they are only ever set as text.
const status = element.querySelector(".status");
const progress = element.querySelector("progress");
const people = element.querySelector(".people");
const notes = element.querySelector(".notes");
const kept = element.querySelector(".kept");
const row = element.querySelector(".buttons");

function make(tag, parent, text) {
  const node = document.createElement(tag);
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

function button(text, act) {
  const node = make("button", row, text);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

function showDelete() {
  row.replaceChildren();
  return button("Delete these people", ask);
}

// Photos and trainings cannot be had back.
function ask() {
  row.replaceChildren();
  make("span", row, "Delete photos, classifiers and evaluator for good?");
  button("Yes, delete everything", () => trigger("delete"));
  button("Keep", () => showDelete().focus()).focus();
}

function showPerson({ name, photos, uri }) {
  const item = make("li", people);
  const face = make("img", item);
  face.src = uri;
  face.alt = "A photo of " + name;
  make("span", item, name).title = name;
  make("small", item, photos + " photos");
}

let shown = "";
function show() {
  const value = props.value || {};
  const now = JSON.stringify(value);
  if (now === shown) return;
  shown = now;
  const list = value.people || [];
  status.textContent = value.status || "";
  progress.hidden = typeof value.progress !== "number";
  if (!progress.hidden) progress.value = value.progress;
  people.replaceChildren();
  list.forEach(showPerson);
  notes.replaceChildren();
  (value.notes || []).forEach((note) => make("li", notes, note));
  for (const part of [people, notes, kept, row]) part.hidden = list.length === 0;
  if (!list.length) return;
  const when = new Date(value.deleted_at * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  kept.textContent = "Kept on the demo's machine until " + when + ", then deleted. Only this browser tab can see or attack them; closing it loses the way back.";
  showDelete();
}

watch("value", show);
show();
