// uses shared/elements
// Lists classifiers. Files are fetched in parts, on demand, and never copied on the server's disk.
const list = element.querySelector("ul");
const trouble = element.querySelector(".trouble");

function showItem(item) {
  const entry = make("li", "", list);
  entry.dataset.newest = item.name === props.value.newest;
  make("p", "name", entry, `${item.name}, ${item.alpha}`);
  make("p", "", entry, item.accuracy);
  if (item.logits) make("p", "", entry, item.logits);
  make("p", "settings", entry, item.settings);
  showButtons(make("div", "buttons", entry), item);
}

function showButtons(row, item) {
  row.replaceChildren();
  // A new one is ticked as a lane there.
  if (item.name === props.value.newest) button(row, "Attack it", `Attack ${item.name}`, toAttackPage);
  button(row, `Download (${item.size})`, `Download ${item.name} as safetensors, ${item.size}`, (self) => download(self, item));
  button(row, "Delete", `Delete ${item.name}`, () => ask(row, item));
}

function toAttackPage() {
  document.getElementById("tab-attack-button").click();
}

// A deleted classifier cannot be had back.
function ask(row, item) {
  row.replaceChildren();
  make("span", "", row, `Delete ${item.name} for good?`);
  button(row, "Delete", `Yes, delete ${item.name}`, () => {
    props.value = { ...props.value, chosen: item.name };
    trigger("delete");
  });
  button(row, "Keep", `Keep ${item.name}`, () => {
    showButtons(row, item);
    row.lastElementChild.focus();
  }).focus();
}

async function download(self, item) {
  trouble.textContent = "";
  self.disabled = true;
  try {
    const parts = [];
    for (let offset = 0; offset < item.bytes; offset += parts.at(-1).size) {
      const answer = await server.download_part([props.value.people, item.name, offset]);
      if (!answer || !answer.part) throw new Error((answer && answer.error) || "The file ended too early; try again.");
      parts.push(decoded(answer.part));
    }
    save(`${item.name}.safetensors`, new Blob(parts));
  } catch (error) {
    trouble.textContent = error.message || "The download failed; reload the page.";
  } finally {
    self.disabled = false;
  }
}

function decoded(base64) {
  return new Blob([Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0))]);
}

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

let shown = "";
function show() {
  const { items, newest, people, shared } = props.value || { items: [] };
  // An open question stays open when nothing has changed.
  const now = JSON.stringify([items, newest, people]);
  if (now === shown) return;
  shown = now;
  trouble.textContent = "";
  list.replaceChildren();
  items.forEach(showItem);
  element.querySelector(".none").hidden = items.length > 0;
  element.querySelector(".shared").hidden = items.length === 0 || !shared;
  element.querySelector(".private").hidden = items.length === 0 || shared;
}

watch("value", show);
show();
