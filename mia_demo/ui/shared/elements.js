// Parts of a component, made one by one: what strangers named is only ever set as text.
const $ = (selector) => element.querySelector(selector);

function make(tag, className, parent, text) {
  const node = document.createElement(tag);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

// Text that stays the same is not set again: a screen reader would read it once more.
function setText(part, text) {
  const node = typeof part === "string" ? $(part) : part;
  if (node.textContent !== text) node.textContent = text;
}

function picture(parent, uri, alt, className = "") {
  const image = make("img", className, parent);
  image.src = uri;
  image.alt = alt;
  return image;
}

// A short address instead of a long data URI in the style of many tiles.
function shortUrl(uri) {
  const [head, body] = uri.split(",");
  const bytes = Uint8Array.from(atob(body), (letter) => letter.charCodeAt(0));
  return URL.createObjectURL(new Blob([bytes], { type: head.slice(5).split(";")[0] }));
}

// A heading and cells of a table's row.
function row(body, heading, cells, style) {
  const line = make("tr", "", body);
  if (style !== undefined) line.dataset.style = style;
  make("th", "", line, heading).scope = "row";
  for (const text of cells) make("td", "", line, text);
  return line;
}

// The button is handed to what it does.
function button(parent, text, label, act) {
  const node = make("button", "", parent, text);
  node.type = "button";
  node.setAttribute("aria-label", label);
  node.addEventListener("click", () => act(node));
  return node;
}

// act is handed the value when it is chosen.
function radio(parent, name, value, isChosen, act) {
  const node = make("input", "", parent);
  Object.assign(node, { type: "radio", name, value, checked: isChosen });
  node.addEventListener("change", () => node.checked && act(value));
  return node;
}

// A choice between lanes. Made anew only when they change: with every frame it would lose the focus,
// and a click that a frame comes in between.
function laneChoice(parent, name, lanes, chosen, act) {
  const offered = JSON.stringify(lanes.map((lane) => [lane.name, lane.style]));
  for (const input of parent.querySelectorAll("input")) input.checked = input.value === chosen;
  if (offered === parent.dataset.offered) return;
  parent.dataset.offered = offered;
  parent.replaceChildren();
  for (const lane of lanes) {
    const label = make("label", "badge cover", parent);
    label.dataset.style = lane.style;
    radio(label, name, lane.name, lane.name === chosen, act);
    make("span", "", label, lane.name);
  }
}

// Does what a button asks for; what goes wrong becomes one sentence in .trouble. Meanwhile a further
// click does nothing; the button is not disabled, as a disabled one loses the keyboard.
async function attempt(node, act) {
  if (node.getAttribute("aria-disabled") === "true") return;
  setText(".trouble", "");
  node.setAttribute("aria-disabled", true);
  try {
    await act();
  } catch (error) {
    setText(".trouble", error.message || "The server does not answer; reload the page.");
  } finally {
    node.removeAttribute("aria-disabled");
  }
}

// Asks once more, in the place of the buttons, before something is deleted for good.
function askAgain(parent, question, [yes, yesLabel, act], [keepLabel, keep]) {
  parent.replaceChildren();
  make("span", "", parent, question);
  button(parent, yes, yesLabel, act);
  return button(parent, "Keep", keepLabel, keep);
}

// A field for another name, in the place of the buttons.
function askName(parent, title, save, keep) {
  parent.replaceChildren();
  const form = make("form", "buttons", parent);
  const field = make("input", "", form);
  Object.assign(field, { type: "text", maxLength: 80, value: title });
  field.setAttribute("aria-label", `New name of ${title}`);
  make("button", "", form, "Save").type = "submit";
  button(form, "Cancel", `Keep the name ${title}`, keep);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    keep(); // the list stays as it is if the name does
    save(field.value);
  });
  form.addEventListener("keydown", (event) => event.key === "Escape" && keep());
  field.focus();
  field.select();
}

// Rebuilds a list; keyboard focus inside it stays at the same position.
function rebuild(list, makeEntries) {
  const entries = () => [...list.querySelectorAll("li")].filter((entry) => !entry.hidden);
  const place = entries().findIndex((entry) => entry.contains(document.activeElement));
  list.replaceChildren();
  makeEntries();
  if (place >= 0) entries().at(Math.min(place, entries().length - 1))?.querySelector("button")?.focus();
}

// Hands a file to the browser; nothing of it touches the server's disk.
function save(name, content, type) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([content].flat(), { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// What this browser keeps under a key, as far as it allows pages to keep anything.
function savedState(storage, key) {
  try {
    return JSON.parse(window[storage].getItem(key));
  } catch {
    return null;
  }
}

function saveState(storage, key, value) {
  try {
    window[storage].setItem(key, JSON.stringify(value));
  } catch {
    // it lasts until the page is closed, then
  }
}

// On a phone a board lies below the buttons: what was started should be seen.
function bringIntoView(part) {
  if (window.innerWidth <= 700) part.scrollIntoView({ block: "start" });
}

