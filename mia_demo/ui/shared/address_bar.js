// uses shared/elements
// Writes the settings of the page in front into the address; other parameters stay as they are.
// A change of page is an entry of the browser's history, a change of a setting is none.
const FIRST = Object.keys(props.pages)[0];
const OWN = new Set(["tab"]);
for (const settings of Object.values(props.pages)) for (const { name } of settings) OWN.add(name);

const known = {}; // by page the newest values
const isOwn = {}; // by page whether they are about the visitor's own people
let current = FIRST;
let isRestored = false; // before that, the page would overwrite the link that it was opened with

// Nor may a visitor choose what the link then puts back: until it is read, the pages hold still.
const MAX_READING_MS = 30_000; // the server may have refused to read it
const holdStill = (isHeld) => document.documentElement.classList.toggle("link-unread", isHeld);
if ([...new URL(location.href).searchParams.keys()].some((name) => OWN.has(name))) {
  holdStill(true);
  setTimeout(holdStill, MAX_READING_MS, false);
}
const isHeldStill = ({ target }) => target.closest?.(".link-unread .pages");
document.addEventListener("keydown", (event) => event.key !== "Tab" && isHeldStill(event) && event.preventDefault(), true);

// Lanes come in the order they were ticked in.
const plain = (value) => JSON.stringify(Array.isArray(value) ? [...value].sort() : value);
const same = (one, other) => plain(one) === plain(other);

// [name, text] of what a link to the page says, and whether that is more than its defaults.
function told(page) {
  const settings = props.pages[page];
  const values = {};
  settings.forEach(({ name, member }, index) => {
    const value = known[page][index];
    values[name] = member && value ? value[member] : value;
  });
  const pairs = [];
  let isPlain = true;
  for (const { name, default: fixed, presets, isAlwaysTold } of settings) {
    const value = values[name];
    const usual = values.preset in presets ? presets[values.preset] : fixed;
    const isUsual = same(value, usual);
    if (!isUsual && fixed !== null) isPlain = false;
    const isEmpty = value === null || value === undefined || value === "" || value.length === 0;
    if (!isEmpty && (isAlwaysTold || !isUsual)) pairs.push([name, String(value)]);
  }
  return { pairs, isPlain };
}

function write() {
  if (!known[current] && props.pages[current].length) return;
  const url = new URL(location.href);
  const isTold = props.pages[current].length && !isOwn[current];
  const { pairs, isPlain } = isTold ? told(current) : { pairs: [], isPlain: true };
  // A visitor who has changed nothing keeps the bare address.
  if (isPlain && current === FIRST && ![...url.searchParams.keys()].some((name) => OWN.has(name))) return;
  const others = [...url.searchParams].filter(([name]) => !OWN.has(name) && name !== "projector");
  if (isProjected()) others.push(["projector", "1"]);
  setQuery([["tab", current], ...pairs, ...others], pageOf(url) !== current);
}

function pageOf(url) {
  const named = url.searchParams.get("tab");
  return named in props.pages ? named : FIRST;
}

function setQuery(pairs, isNewEntry = false) {
  const encoded = (text) => encodeURIComponent(text).replaceAll("%2C", ",").replaceAll("%2F", "/");
  const query = pairs.map(([name, text]) => `${name}=${encoded(text)}`).join("&");
  const address = location.pathname + (query && "?" + query) + location.hash;
  if (address === location.pathname + location.search + location.hash) return;
  if (isNewEntry) history.pushState(history.state, "", address);
  else history.replaceState(history.state, "", address);
}

// Opens a link, keeping the address's other parameters.
function load(query) {
  const asked = new URLSearchParams(query);
  for (const [name, text] of new URL(location.href).searchParams) {
    if (!OWN.has(name) && !asked.has(name)) asked.set(name, text);
  }
  location.assign(`${location.pathname}?${asked}`);
}

// A page that is mounted slowly reports after the visitor has gone on.
function isInFront(page) {
  const button = document.getElementById(`tab-${page}-button`);
  return !button || button.getAttribute("aria-selected") === "true";
}

function take() {
  const news = props.value;
  if (news?.load) return load(news.load);
  if (!news || news.page === undefined) return;
  if (news.values) known[news.page] = news.values;
  if (news.isOwn !== undefined) isOwn[news.page] = news.isOwn;
  if (news.isTab && (news.isRestored || isInFront(news.page))) current = news.page;
  if (news.isRestored) {
    isRestored = true;
    holdStill(false);
    $(".ignored").textContent = news.ignored;
    document.dispatchEvent(new CustomEvent("link-read", { detail: news.ignored }));
    if (news.hiddenTabs) hide(news.hiddenTabs);
  }
  if (isRestored) write();
  showTab();
}

// On a phone the pages' buttons do not all fit: the one in front stays in sight.
function showTab() {
  const tab = document.getElementById(`tab-${current}-button`);
  if (tab) tab.parentElement.scrollLeft = tab.offsetLeft - (tab.parentElement.clientWidth - tab.offsetWidth) / 2;
}

// By a rule, because Gradio makes the buttons anew whenever the window's width changes.
function hide(tabs) {
  const rules = tabs.map((slug) => `#tab-${slug}-button { display: none }`);
  $("style.hidden-tabs").textContent = rules.join("\n");
}

// The menu closes on Escape and on a click elsewhere.
const menu = $(".menu");
const panel = $(".panel");

function openMenu(isOpen) {
  panel.hidden = !isOpen;
  menu.setAttribute("aria-expanded", isOpen);
}

menu.addEventListener("click", () => openMenu(panel.hidden));
document.addEventListener("click", ({ target }) => !$(".masthead").contains(target) && openMenu(false));
$(".masthead").addEventListener("keydown", ({ key }) => {
  if (key !== "Escape" || panel.hidden) return;
  openMenu(false);
  menu.focus();
});
$(".lesson-opener").addEventListener("click", () => {
  openMenu(false);
  document.dispatchEvent(new Event("lesson-asked"));
});
document.addEventListener("lesson-left", () => menu.focus());

function tellWhere() {
  setText(".whose", `${props.whose}.`);
  setText(".device", `Runs on ${props.device}.`);
  $(".duplicate").hidden = !props.duplicate;
  if (props.duplicate) $(".duplicate").href = props.duplicate;
}
watch("whose", tellWhere);
tellWhere();

// Arrow keys move between the pages, as between the tabs of any program.
document.addEventListener("keydown", (event) => {
  if (!event.target.matches?.(".pages [role=tab]")) return;
  const tabs = [...event.target.parentElement.querySelectorAll("[role=tab]")].filter((tab) => tab.offsetWidth);
  const at = tabs.indexOf(event.target);
  const to = { ArrowRight: at + 1, ArrowLeft: at - 1, Home: 0, End: tabs.length - 1 }[event.key];
  if (to === undefined) return;
  event.preventDefault();
  const tab = tabs[(to + tabs.length) % tabs.length];
  tab.click();
  tab.focus();
});

// A link to a page as a whole opens it here; one with settings loads the page anew.
document.addEventListener("click", (event) => {
  const link = event.target.closest?.("a[href^='?tab=']");
  const tab = link && document.getElementById(`tab-${link.getAttribute("href").slice(5)}-button`);
  if (!tab || event.ctrlKey || event.metaKey || event.shiftKey) return;
  event.preventDefault();
  tab.click();
});

$(".copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(location.href);
    $(".said").textContent = "Link copied.";
  } catch {
    // Browsers keep the clipboard from pages without https, unless they come from this machine.
    $(".by-hand").hidden = false;
    $(".by-hand input").value = location.href;
    $(".by-hand input").select();
  }
  setTimeout(() => ($(".said").textContent = ""), 4000);
});

// Back and forward: the page that the address names comes to the front, with its settings of now.
window.addEventListener("popstate", () => {
  const page = pageOf(new URL(location.href));
  if (page === current) return write();
  current = page;
  document.getElementById(`tab-${page}-button`)?.click();
});

const isProjected = () => document.documentElement.classList.contains("projector");

function project(isOn) {
  document.documentElement.classList.toggle("projector", isOn);
  $(".projector").setAttribute("aria-pressed", isOn);
}

$(".projector").addEventListener("click", () => {
  const isOn = !isProjected();
  project(isOn);
  const others = [...new URL(location.href).searchParams].filter(([name]) => name !== "projector");
  setQuery(isOn ? [...others, ["projector", "1"]] : others);
});

// Gradio takes the browser's language for the page's, which is English whatever the browser's.
const root = document.documentElement;
const speakEnglish = () => root.lang !== "en" && (root.lang = "en");
new MutationObserver(speakEnglish).observe(root, { attributeFilter: ["lang"] });
speakEnglish();

// Gradio says so in a toast alone, and loads the page anew when the server answers again.
let isCut = false;
new MutationObserver(() => {
  const wasCut = isCut;
  isCut = Boolean(document.querySelector(".toast-wrap")?.textContent.includes("Connection to the server was lost"));
  if (isCut && !wasCut) document.dispatchEvent(new Event("connection-cut"));
}).observe(document.body, { childList: true, subtree: true });

const asked = new URL(location.href).searchParams;
project(asked.get("projector") === "1");
$(".locked").hidden = !asked.get("lock") && !asked.get("hide");
watch("value", take);
take();
