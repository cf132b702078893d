// uses shared/elements
// Lists classifiers. Files are fetched in parts, on demand, and never copied on the server's disk.
const list = $("ul");

function showItem(item) {
  const entry = make("li", "card", list);
  entry.dataset.newest = item.name === props.value.newest;
  const title = [item.title, item.name, item.alpha].filter(Boolean).join(", ");
  make("h4", "clipped", entry, title).title = title;
  make("p", "", entry, item.accuracy);
  if (item.logits) make("p", "", entry, item.logits);
  make("p", "quiet", entry, item.settings);
  showButtons(make("div", "buttons", entry), item);
}

function showButtons(row, item) {
  row.replaceChildren();
  // A new one is ticked as a lane there.
  if (item.name === props.value.newest) button(row, "Attack it", `Attack ${item.name}`, toAttackPage);
  button(row, `Download (${item.size})`, `Download ${item.name} as safetensors, ${item.size}`, (self) => attempt(self, () => download(item)));
  button(row, "Name", `Name ${item.name}`, () =>
    askName(row, item.title || item.name, (title) => change("edit", item, { title }), () => showButtons(row, item)));
  button(row, "Delete", `Delete ${item.name}`, () => ask(row, item));
}

function change(event, item, asked) {
  props.value = { ...props.value, chosen: item.name, ...asked };
  trigger(event);
}

function toAttackPage() {
  document.getElementById("tab-attack-button").click();
}

// A deleted classifier cannot be had back.
function ask(row, item) {
  const keep = () => {
    showButtons(row, item);
    row.lastElementChild.focus();
  };
  askAgain(row, `Delete ${item.name} for good?`,
    ["Delete", `Yes, delete ${item.name}`, () => change("delete", item)], [`Keep ${item.name}`, keep]).focus();
}

async function download(item) {
  const parts = [];
  for (let offset = 0; offset < item.bytes; offset += parts.at(-1).size) {
    const { part, error } = await server.download_part(props.value.people, item.name, offset);
    if (!part) throw new Error(error || "The file ended too early; try again.");
    parts.push(new Blob([Uint8Array.from(atob(part), (letter) => letter.charCodeAt(0))]));
  }
  save(`${item.name}.safetensors`, parts);
}

let shown = "";
function show() {
  const { items, newest, people, shared } = props.value || { items: [] };
  // An open question stays open when nothing has changed.
  const now = JSON.stringify([items, newest, people]);
  if (now === shown) return;
  shown = now;
  setText(".trouble", "");
  rebuild(list, () => items.forEach(showItem));
  $(".none").hidden = items.length > 0;
  $(".shared").hidden = items.length === 0 || !shared;
  $(".private").hidden = items.length === 0 || shared;
}

watch("value", show);
show();
