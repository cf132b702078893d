// uses shared/elements
// Names come from a stranger's zip: they are only ever set as text.
const people = $(".people");
const notes = $(".notes");
const kept = $(".kept");
const buttons = $(".buttons");

function showDelete() {
  buttons.replaceChildren();
  return button(buttons, "Delete these people", "Delete these people", ask);
}

// Photos and trainings cannot be had back.
function ask() {
  const yes = "Yes, delete everything";
  askAgain(buttons, "Delete photos, classifiers and evaluator for good?",
    [yes, yes, () => trigger("delete")], ["Keep", () => showDelete().focus()]).focus();
}

function showPerson({ name, photos, uri }) {
  const item = make("li", "", people);
  picture(item, uri, "A photo of " + name, "square");
  make("span", "clipped", item, name).title = name;
  make("small", "quiet clipped", item, photos + " photos");
}

let shown = "";
function show() {
  const value = props.value || {};
  const now = JSON.stringify(value);
  if (now === shown) return;
  shown = now;
  const list = value.people || [];
  setText(".status", value.status || "");
  $("progress").hidden = typeof value.progress !== "number";
  $("progress").value = value.progress || 0;
  people.replaceChildren();
  list.forEach(showPerson);
  notes.replaceChildren();
  (value.notes || []).forEach((note) => make("li", "", notes, note));
  for (const part of [people, notes, kept, buttons]) part.hidden = list.length === 0;
  if (!list.length) return;
  const when = new Date(value.deleted_at * 1000).toLocaleString("en-GB", { dateStyle: "medium", timeStyle: "short" });
  kept.textContent = "Kept on the demo's machine until " + when + ", then deleted. Only this browser tab can see or attack them; closing it loses access.";
  showDelete();
}

watch("value", show);
show();
