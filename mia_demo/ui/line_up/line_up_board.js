// uses shared/elements
// Asks the server what to show, and shows it. Who plays is known by a random word in this tab.
const $ = (selector) => element.querySelector(selector);
const board = $(".line-up");
const grid = $(".photos .grid");
const STORE = "line-up";
const SECONDS = { voter: 2, host: 1, solo: 1 };
const IDLE_SECONDS = 4; // a solo game in which nothing is being computed

let me = null; // {key} of a host, {code, voter} of a voter, null before either
let view = null;
let pictures = { name: "" };
let timer = 0;
let asking = false;
let wish = null; // the newest choice, while an older one is on its way

// -- the server ------------------------------------------------------------------------------

function remember(who) {
  me = who;
  view = null;
  wish = null;
  pictures = { name: "" };
  try {
    if (who) sessionStorage.setItem(STORE, JSON.stringify(who));
    else sessionStorage.removeItem(STORE);
  } catch {
    // without storage a reload leaves the game, that is all
  }
  props.value = { key: (who && who.key) || "" };
}

function remembered() {
  try {
    return JSON.parse(sessionStorage.getItem(STORE));
  } catch {
    return null;
  }
}

async function ask(what, more) {
  const answer = await server.ask(what, { ...me, ...more });
  if (answer && !answer.error) return answer;
  const error = new Error((answer && answer.error) || "The server did not answer; try again.");
  error.isGone = Boolean(answer && answer.gone);
  throw error;
}

function complain(error) {
  $(".trouble").textContent = error.message || "The server cannot be reached; trying again.";
}

function take(answer) {
  if (answer.phase === undefined) return; // nothing new
  if (answer.pictures) pictures = { ...answer.pictures, name: answer.name };
  view = answer;
  show();
}

async function look() {
  clearTimeout(timer);
  if (!me || asking) return;
  asking = true;
  const who = me;
  try {
    const answer = await ask("look", { version: view && view.version, pictures: pictures.name });
    if (who === me) {
      $(".trouble").textContent = "";
      take(answer);
    }
  } catch (error) {
    if (who === me) lost(error);
  } finally {
    asking = false;
    again();
  }
}

function again() {
  clearTimeout(timer);
  if (!me) return;
  const role = view ? view.role : "solo";
  const idle = role === "solo" && view && !view.expected && view.phase !== "waiting";
  timer = setTimeout(look, 1000 * (idle ? IDLE_SECONDS : SECONDS[role]));
}

// A server that is away may come back; a game that is over does not.
function lost(error) {
  complain(error);
  if (!error.isGone) return;
  remember(null);
  show();
}

async function act(button) {
  const what = button.dataset.do;
  $(".trouble").textContent = "";
  if (what === "leave") {
    await ask("leave").catch(() => {}); // the room may be gone already
    remember(null);
    show();
    return;
  }
  button.disabled = true;
  try {
    const answer = await ask(what, { pictures: pictures.name });
    if (what === "csv") save(answer.name, new Blob([answer.content], { type: "text/csv" }));
    else take(answer);
  } catch (error) {
    complain(error);
  } finally {
    button.disabled = false;
    again();
  }
}

// One vote at a time, in the order of the clicks: the last one counts.
async function vote(position) {
  const busy = wish !== null;
  wish = { name: view.name, position };
  if (busy) return;
  while (wish) {
    const sent = wish;
    try {
      take(await ask("vote", { ...sent, pictures: pictures.name }));
      $(".trouble").textContent = "";
    } catch (error) {
      complain(error);
      if (view) show();
    }
    if (wish === sent) wish = null;
  }
  if (view) show();
}

async function join(code) {
  $(".trouble").textContent = "";
  try {
    remember(await ask("join", { code }));
    await look();
    board.scrollIntoView({ block: "start" });
  } catch (error) {
    complain(error);
  }
}

function save(name, blob) {
  const link = document.createElement("a");
  link.href = URL.createObjectURL(blob);
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
}

// -- the page --------------------------------------------------------------------------------

function show() {
  const now = view || { role: "solo", phase: "empty", tally: [], status: "" };
  board.dataset.role = now.role;
  board.dataset.phase = now.phase;
  const page = element.closest(".line-up-page");
  if (page) page.dataset.role = now.role;
  showRoom(now);
  $(".number").textContent = now.name ? `Round ${now.number}` + (now.role === "voter" ? "" : ` of ${now.rounds}`) : "";
  $(".status").textContent = now.status || (view ? "" : "Deal new rounds, or join a room.");
  showRound(now);
  showAnswer(now);
  showButtons(now);
  showTally(now);
}

function showRoom(now) {
  $(".room").hidden = now.role !== "host";
  if (now.role !== "host") return;
  const link = new URL(location.href.split(/[?#]/)[0]);
  link.searchParams.set("room", now.code);
  $(".code").textContent = now.code;
  $(".code").setAttribute("aria-label", "Code: " + [...now.code].join(" "));
  if ($(".link").textContent !== link.href) showQr(link.href);
  $(".link").textContent = link.href;
  $(".reach").hidden = !["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
  $(".cast").textContent = now.votes;
  $(".of").textContent = `of ${now.voters} voted`;
}

async function showQr(link) {
  const picture = $(".qr");
  picture.hidden = true;
  const code = await ask("qr", { link }).catch(() => null); // too long a link has none
  if (!code || $(".link").textContent !== link) return;
  picture.src = code.image;
  picture.hidden = false;
}

function showRound(now) {
  const known = Boolean(now.name) && pictures.name === now.name;
  $(".play").hidden = !known;
  $(".blank").hidden = known;
  if (!known) return;
  if (grid.dataset.name !== now.name) {
    grid.dataset.name = now.name;
    $(".reconstruction img").src = pictures.reconstruction;
    grid.replaceChildren(...pictures.photos.map(photo));
  }
  const chosen = wish && wish.name === now.name ? wish.position : now.mine;
  const open = now.phase === "voting" && now.role !== "host";
  const most = now.reveal ? Math.max(1, ...now.reveal.counts) : 1;
  [...grid.children].forEach((label, position) => {
    const radio = label.querySelector("input");
    radio.checked = position === chosen;
    radio.disabled = !open;
    const words = [`photo ${position + 1} of ${grid.children.length}`];
    const marks = [];
    const votes = now.reveal ? now.reveal.counts[position] : 0;
    if (now.reveal) {
      words.push(`identity ${now.reveal.identities[position]}`);
      if (now.role !== "solo") words.push(votes === 1 ? "1 vote" : `${votes} votes`);
      if (position === now.reveal.truth) marks.push("✓ the person");
      if (position === now.reveal.choice) marks.push("evaluator");
    }
    label.dataset.true = Boolean(now.reveal) && position === now.reveal.truth;
    label.querySelector("img").alt = [...words, ...marks].join(", ");
    label.querySelector(".caption").textContent = now.reveal ? words[1] : String(position + 1);
    label.querySelector(".marks").replaceChildren(...marks.map((mark) => {
      const node = document.createElement("span");
      node.textContent = mark;
      return node;
    }));
    label.querySelector(".votes").hidden = !now.reveal || now.role === "solo";
    label.querySelector(".bar span").style.width = `${(100 * votes) / most}%`;
    label.querySelector(".count").textContent = votes;
  });
}

function photo(uri, position) {
  const label = document.createElement("label");
  label.className = "photo";
  const radio = make("input", "", label);
  radio.type = "radio";
  radio.name = "line-up-photo";
  radio.value = position;
  radio.addEventListener("change", () => {
    if (radio.checked) vote(position);
  });
  make("img", "", label).src = uri;
  make("span", "caption", label).setAttribute("aria-hidden", "true");
  const votes = make("span", "votes", label);
  votes.setAttribute("aria-hidden", "true");
  make("span", "", make("span", "bar", votes));
  make("span", "count", votes);
  make("span", "marks", label).setAttribute("aria-hidden", "true");
  return label;
}

function showAnswer(now) {
  $(".answer").hidden = !now.reveal;
  if (!now.reveal) return;
  $(".people").textContent = now.reveal.people;
  $(".machine").textContent = now.reveal.machine;
  $(".lane").textContent = `${now.reveal.lane} (${now.reveal.alpha}).`;
  $(".lane").dataset.style = now.reveal.style;
}

function showButtons(now) {
  const shown = {
    reveal: now.phase === "voting" && now.role !== "voter",
    next: now.phase === "revealed" && now.role !== "voter" && now.has_next,
    open: now.role === "solo" && Boolean(view),
    close: now.role === "host",
    leave: now.role === "voter",
    csv: now.role !== "voter",
  };
  for (const button of element.querySelectorAll("[data-do]")) {
    const focused = button === document.activeElement;
    button.hidden = !shown[button.dataset.do];
    // A keyboard must not lose its place when Reveal turns into Next round and back.
    if (focused && button.hidden) {
      const heir = element.querySelector("button.main:not([hidden])");
      if (heir) heir.focus();
    }
  }
  $("[data-do=reveal]").disabled = now.role === "solo" && now.mine === null && !wish;
  $(".join").hidden = Boolean(view) && now.role !== "solo";
}

function showTally(now) {
  $(".tally").hidden = now.tally.length === 0;
  $(".tally tbody").replaceChildren(
    ...now.tally.map((row) => {
      const line = document.createElement("tr");
      line.dataset.style = row.style;
      const lane = make("th", "", line, row.lane);
      lane.scope = "row";
      make("td", "rounds", line, row.rounds);
      const share = make("td", "share", line);
      const track = make("span", "track", share);
      const percent = (value) => 100 * value + "%";
      make("span", "value", track).style.width = percent(row.share);
      const range = make("span", "range", track);
      range.style.left = percent(row.interval[0]);
      range.style.width = percent(row.interval[1] - row.interval[0]);
      make("span", "chance", track).style.left = percent(now.chance);
      make("span", "figures", share, row.words);
      make("td", "", line, row.choice);
      make("td", "", line, row.top1);
      return line;
    }),
  );
}

// Where pictures are going to be.
$(".blank .grid").replaceChildren(...Array.from({ length: 8 }, () => make("p", "tile", $(".blank .grid"))));

// -- start -----------------------------------------------------------------------------------

for (const button of element.querySelectorAll("[data-do]")) {
  button.addEventListener("click", () => act(button));
}
$(".join").addEventListener("submit", (event) => {
  event.preventDefault();
  join($("#line-up-code").value);
});
document.addEventListener("visibilitychange", () => {
  if (!document.hidden) look();
});
watch("value", () => {
  const key = props.value && props.value.key;
  if (key && (!me || me.key !== key)) remember({ key });
  if (key) look();
});

// A reload stays in its game; a room's link leads into that room.
async function start() {
  const before = remembered();
  if (before) {
    remember(before);
    await look();
  }
  const invited = (new URLSearchParams(location.search).get("room") || "").trim().toUpperCase();
  if (invited && !(view && view.code === invited)) await join(invited);
}

show();
start();
