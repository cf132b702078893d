// uses shared/elements
// The game as this tab knows it: asks the server, and hands what has changed to show(). Who plays is
// known by a random word in this tab.
const STORE = "line-up";
const SECONDS = { voter: 2, host: 1, solo: 1 };
const IDLE_SECONDS = 4; // a solo game in which nothing is being computed

let me = null; // {key} of a host, {code, voter} of a voter, null before either
let view = null;
let pictures = { name: "" };
let timer = 0;
let asking = false;
let wish = null; // the newest choice, while an older one is on its way
let isAway = false; // the server, when it was last asked in vain

function remember(who) {
  me = who;
  view = null;
  wish = null;
  pictures = { name: "" };
  saveState("sessionStorage", STORE, who); // without storage a reload leaves the game
  props.value = { key: (who && who.key) || "" };
}

async function ask(what, more) {
  const answer = await server.ask(what, { ...me, ...more });
  if (answer && !answer.error) return answer;
  const error = new Error((answer && answer.error) || "The server did not answer; try again.");
  error.isAnswer = Boolean(answer);
  error.isGone = Boolean(answer && answer.gone);
  throw error;
}

function complain(error) {
  isAway = !error.isAnswer;
  setText(".trouble", error.message || "The server cannot be reached; trying again.");
}

function take(answer) {
  if (answer.phase === undefined) return; // nothing new
  // A message disappears with its round; the first round clears nothing.
  if (view && view.name && view.name !== answer.name) setText(".trouble", "");
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
      // What the server said of a code or a button is still to be read.
      if (isAway) setText(".trouble", "");
      isAway = false;
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
  if (what === "leave") {
    await ask("leave").catch(() => {}); // the room may be gone already
    remember(null);
    show();
    return;
  }
  await attempt(button, async () => {
    const answer = await ask(what, { pictures: pictures.name });
    if (what === "csv") save(answer.name, answer.content, "text/csv");
    else take(answer);
  });
  again();
}

// One vote at a time, in the order of the clicks: the last one counts.
async function vote(position) {
  if (!view) return; // a click on a round that has just gone
  const busy = wish !== null;
  wish = { name: view.name, position };
  if (busy) return;
  while (wish) {
    const sent = wish;
    try {
      take(await ask("vote", { ...sent, pictures: pictures.name }));
      setText(".trouble", "");
    } catch (error) {
      complain(error);
      if (view) show();
    }
    if (wish === sent) wish = null;
  }
  if (view) show();
}

async function join(code) {
  setText(".trouble", "");
  try {
    remember(await ask("join", { code }));
    await look();
    $(".line-up").scrollIntoView({ block: "start" });
  } catch (error) {
    complain(error);
  }
}

