// uses line_up/game line_up/room line_up/tally
// Shows the game.
const board = $(".line-up");
const grid = $(".photos .grid");
const RIGHT = "✓ the person";

function show() {
  const now = view || { role: "solo", phase: "empty", tally: [], status: "" };
  board.dataset.role = now.role;
  board.dataset.phase = now.phase;
  const page = element.closest(".line-up-page");
  if (page) page.dataset.role = now.role;
  showRoom(now);
  $(".number").textContent = now.name ? `Round ${now.number}` + (now.role === "voter" ? "" : ` of ${now.rounds}${now.recorded ? ", recorded" : ""}`) : "";
  $(".status").textContent = now.status || (view ? "" : "Deal new rounds, or join a room.");
  showRound(now);
  showAnswer(now);
  showButtons(now);
  showTally(now);
}

function showRound(now) {
  const known = Boolean(now.name) && pictures.name === now.name;
  $(".play").hidden = !known;
  $(".blank").hidden = known;
  if (!known) return;
  if (grid.dataset.name !== now.name) {
    grid.dataset.name = now.name;
    $(".reconstruction img").src = pictures.reconstruction;
    grid.replaceChildren();
    pictures.photos.forEach(photo);
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
      if (position === now.reveal.truth) marks.push(now.reveal.is_there ? RIGHT : "asked for");
      if (position === now.reveal.choice) marks.push("evaluator");
    }
    label.dataset.true = Boolean(now.reveal && now.reveal.is_there) && position === now.reveal.truth;
    label.querySelector("img").alt = [...words, ...marks].join(", ");
    label.querySelector(".caption").textContent = now.reveal ? words[1] : String(position + 1);
    const list = label.querySelector(".marks");
    list.replaceChildren();
    for (const mark of marks) make("span", "verdict", list, mark).dataset.kind = mark === RIGHT ? "recognised" : "other";
    label.querySelector(".votes").hidden = !now.reveal || now.role === "solo";
    label.querySelector(".bar span").style.width = `${(100 * votes) / most}%`;
    label.querySelector(".count").textContent = votes;
  });
}

function photo(uri, position) {
  const label = make("label", "photo cover", grid);
  radio(label, "line-up-photo", position, false, vote);
  picture(label, uri, "", "square");
  make("span", "caption digits", label).setAttribute("aria-hidden", "true");
  const votes = make("span", "votes marked strong digits", label);
  votes.setAttribute("aria-hidden", "true");
  make("span", "", make("span", "bar", votes));
  make("span", "count", votes);
  make("span", "marks flow", label).setAttribute("aria-hidden", "true");
}

function showAnswer(now) {
  $(".answer").hidden = !now.reveal;
  if (!now.reveal) return;
  for (const part of ["outcome", "people", "origin", "machine"]) setText(`.${part}`, now.reveal[part]);
  $(".origin").dataset.style = now.reveal.style;
  $(".outcome").dataset.leaked = now.reveal.leaked;
}

function showButtons(now) {
  const shown = {
    reveal: now.phase === "voting" && now.role !== "voter",
    next: now.phase === "revealed" && now.role !== "voter" && now.has_next,
    open: now.role === "solo" && Boolean(view),
    lock: now.role === "host" && !now.is_locked,
    unlock: now.role === "host" && now.is_locked,
    reset: now.role === "host",
    close: now.role === "host",
    leave: now.role === "voter",
    csv: now.role !== "voter",
  };
  for (const button of element.querySelectorAll("[data-do]")) {
    const focused = button === document.activeElement;
    button.hidden = !shown[button.dataset.do];
    // A keyboard must not lose its place when Reveal turns into Next round and back.
    if (focused && button.hidden) {
      const heir = element.querySelector("button.primary:not([hidden])");
      if (heir) heir.focus();
    }
  }
  $("[data-do=reveal]").disabled = now.role === "solo" && now.mine === null && !wish;
  $(".join").hidden = Boolean(view) && now.role !== "solo";
}

// Where pictures are going to be.
for (let place = 0; place < 8; place++) make("p", "tile empty", $(".blank .grid"));

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
  const before = savedState("sessionStorage", STORE);
  if (before) {
    remember(before);
    await look();
  }
  const invited = (new URLSearchParams(location.search).get("room") || "").trim().toUpperCase();
  if (invited && !(view && view.code === invited)) await join(invited);
}

show();
const started = start();
// Whoever comes to play finds rounds that came with the demo.
new IntersectionObserver((entries, watcher) => {
  if (!entries.some((entry) => entry.isIntersecting)) return;
  watcher.disconnect();
  started.then(() => me || trigger("select"));
}).observe(board);
