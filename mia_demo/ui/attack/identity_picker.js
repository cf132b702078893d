// uses shared/elements
const search = $("#identity-search");
const gallery = $(".gallery");
const faces = $(".faces");
const none = $(".none");
let options = [];
let last = 0;

function choose(number) {
  props.value = number;
  trigger("input");
}

// What a link names is marked before the server has read it.
const asked = new URL(location.href).searchParams;
const linked = (asked.get("tab") || "attack") === "attack" && asked.get("identity");
let marked = () => (/^\d{1,6}$/.test(linked) && Number(linked) <= last ? Number(linked) : props.value);

function option(number) {
  const { count, names, columns } = props.faces;
  const name = names[number] || "";
  const label = make("label", "face cover", faces);
  const input = radio(label, "identity", number, number === marked(), choose);
  input.setAttribute("aria-label", "Identity " + number + (name ? ", " + name : ""));
  const part = (place, places) => (places > 1 ? (place / (places - 1)) * 100 : 0) + "%";
  const [x, y] = [part(number % columns, columns), part(Math.floor(number / columns), Math.ceil(count / columns))];
  make("div", "square", label).style.backgroundPosition = `${x} ${y}`;
  make("span", "clipped digits", label, name ? number + " " + name : number).title = name;
  return { number, label, input };
}

function fill() {
  faces.replaceChildren();
  const { count, columns } = props.faces;
  last = count - 1;
  search.placeholder = "0–" + last;
  search.value = "";
  faces.style.setProperty("--columns", columns);
  options = Array.from({ length: count }, (_, number) => option(number));
  filter();
  isAsked = false;
  showFaces();
  revealChosen();
}

// All faces lie on one sheet, which comes when somebody looks.
let sheetUrl = "";
let isAsked = false;
async function showFaces() {
  if (isAsked || !gallery.clientHeight) return;
  isAsked = true;
  const wanted = options;
  const sheet = props.faces.sheet || (await server.sheet(props.faces.columns));
  if (options !== wanted || typeof sheet !== "string") return; // others' faces are shown by now
  URL.revokeObjectURL(sheetUrl);
  sheetUrl = shortUrl(sheet);
  faces.style.setProperty("--sheet", `url("${sheetUrl}")`);
}

// Scrolls the gallery alone, never the page.
function reveal(label) {
  gallery.scrollTop = label.offsetTop - 8;
}

function revealChosen() {
  const chosen = options.find(({ input }) => input.checked);
  if (chosen) reveal(chosen.label);
}

function filter() {
  const wanted = search.value.trim();
  let shown = 0;
  for (const { number, label } of options) {
    label.hidden = !String(number).startsWith(wanted);
    shown += label.hidden ? 0 : 1;
  }
  none.hidden = shown > 0;
  none.textContent = shown > 0 ? "" : "No identity " + wanted + "; numbers run from 0 to " + last + ".";
}

search.addEventListener("input", filter);
search.addEventListener("keydown", (event) => {
  if (event.key !== "Enter") return;
  event.preventDefault();
  const first = options.find(({ label }) => !label.hidden);
  if (!first) return;
  search.value = "";
  filter();
  first.input.checked = true;
  first.input.focus();
  reveal(first.label);
  choose(first.number);
});

watch("value", () => {
  marked = () => props.value;
  for (const { number, label, input } of options) {
    input.checked = number === props.value;
    if (input.checked) reveal(label);
  }
});

// A link may fix the identity; then nobody else can be asked for either.
function lock() {
  const other = element.closest(".attack-page").querySelector(".other");
  for (const control of [gallery, search, other]) if (control) control.disabled = Boolean(props.locked);
}
watch("locked", lock);
lock();
watch("faces", fill);
fill();
// A page that was hidden forgets how far it was scrolled.
let isShown = false;
new ResizeObserver(() => {
  const wasShown = isShown;
  isShown = gallery.clientHeight > 0;
  if (!isShown || wasShown) return;
  revealChosen();
  showFaces();
}).observe(gallery);
