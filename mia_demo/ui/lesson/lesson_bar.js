// uses shared/elements
// Steps are data; answers are kept in this browser and nowhere else.
const bar = $(".lesson");
const steps = props.steps;
const STORE = "mia-demo-lesson";

let at = 0; // of the steps
const answers = savedState("localStorage", STORE) || {}; // by step: the index of the choice, and whether it was right once revealed
const revealed = {}; // by step: what the server said

// The lesson's own parameter; the others belong to the address bar.
function tell(number) {
  const url = new URL(location.href);
  const pairs = url.search.slice(1).split("&").filter((pair) => pair && pair.split("=")[0] !== "lesson");
  if (number) pairs.push("lesson=" + number);
  history.replaceState(history.state, "", url.pathname + (pairs.length ? "?" + pairs.join("&") : "") + url.hash);
}

// Projector, theme, locks: what a link had besides page and settings stays in a step's link.
function address(number) {
  const lasting = ["projector", "__theme", "lock", "hide", "room"];
  const more = [...new URL(location.href).searchParams].filter(([name]) => lasting.includes(name));
  const pairs = more.map(([name, text]) => `&${name}=${encodeURIComponent(text)}`);
  return `?${steps[number - 1].link}&lesson=${number}${pairs.join("")}`;
}

function show() {
  const step = steps[at];
  tell(at + 1);
  $(".place").textContent = `Step ${at + 1} of ${steps.length}`;
  $("h2").textContent = step.title;
  $(".go").href = address(at + 1);
  $(".tasks").textContent = step.do;
  for (const part of ["legend", ".question"]) $(part).textContent = step.question;
  $(".choices").replaceChildren();
  step.choices.forEach((choice, index) => {
    const label = make("label", "marked", $(".choices"));
    const predict = () => {
      answers[step.name] = { choice: index };
      saveState("localStorage", STORE, answers);
      setText(".hint", "");
    };
    radio(label, "prediction", index, answers[step.name]?.choice === index, predict);
    make("span", "", label, choice);
  });
  setText(".hint", "");
  $(".back").disabled = at === 0;
  $(".next").textContent = at === steps.length - 1 ? "Finish" : "Next";
  showAnswer();
}

function showAnswer() {
  const step = steps[at];
  const news = revealed[step.name];
  const parent = $(".answer");
  parent.replaceChildren();
  if (news && document.activeElement === $(".reveal")) $(".next").focus(); // disabled, it loses the keyboard
  $(".reveal").disabled = Boolean(news);
  for (const radio of element.querySelectorAll("[name=prediction]")) radio.disabled = Boolean(news);
  if (news) {
    const choice = answers[step.name]?.choice;
    if (news.answer !== null) {
      const right = step.choices[news.answer];
      const words = choice === news.answer ? `✓ As you predicted: ${right}.` : `You predicted otherwise. The answer: ${right}.`;
      make("p", "strong", parent, words);
      $(".choices").children[news.answer].classList.add("strong", "right");
    }
    for (const paragraph of news.paragraphs) make("p", "", parent, paragraph);
  }
  const judged = Object.values(answers).filter(({ isRight }) => isRight !== undefined);
  const right = judged.filter(({ isRight }) => isRight).length;
  $(".score").textContent = judged.length ? `${right} of ${judged.length} predicted correctly; kept in this browser only.` : "";
}

// A step with the same link as the one before goes on with what is on the page.
function move(to) {
  const link = steps[at].link;
  at = to;
  show();
  bar.scrollTop = 0;
  $("h2").focus();
  if (steps[at].link === link) return;
  element.closest(".gradio-container").scrollTop = 0; // which scrolls above the strip
  follow(steps[at].link);
}

function open(number) {
  bar.hidden = false;
  document.documentElement.classList.add("in-lesson");
  at = number - 1;
  show();
}

function leave() {
  bar.hidden = true;
  document.documentElement.classList.remove("in-lesson");
  tell(0);
  document.dispatchEvent(new Event("lesson-left"));
}

function follow(link) {
  props.value = { go: link };
  trigger("select");
}

document.addEventListener("lesson-asked", () => {
  open(1);
  $("h2").focus();
  follow(steps[at].link);
});
$(".leave").addEventListener("click", leave);
$(".back").addEventListener("click", () => move(at - 1));
$(".next").addEventListener("click", () => (at === steps.length - 1 ? leave() : move(at + 1)));
$(".fold").addEventListener("click", () => {
  const isFolded = bar.classList.toggle("folded");
  $(".fold").textContent = isFolded ? "Unfold" : "Fold";
  $(".fold").setAttribute("aria-expanded", !isFolded);
});
$(".go").addEventListener("click", (event) => {
  if (event.ctrlKey || event.metaKey || event.shiftKey) return; // into a tab of its own
  event.preventDefault();
  follow(steps[at].link);
});
$("form").addEventListener("submit", (event) => {
  event.preventDefault();
  const step = steps[at];
  if (answers[step.name] === undefined) {
    $(".hint").textContent = "Predict first.";
    return;
  }
  $(".hint").textContent = "…";
  props.value = { ask: step.name };
  trigger("submit");
});
$(".sheet").addEventListener("click", async () => {
  // Opened at once: browsers allow no window that follows on a click later.
  const tab = window.open("", "_blank");
  $(".trouble").textContent = "";
  try {
    const html = await server.worksheet(location.origin + location.pathname);
    if (typeof html !== "string") throw new Error();
    const address = URL.createObjectURL(new Blob([html], { type: "text/html" }));
    if (tab) tab.location = address;
    else location.assign(address);
    setTimeout(() => URL.revokeObjectURL(address), 600000);
  } catch {
    if (tab) tab.close();
    $(".trouble").textContent = "The worksheet could not be made; reload the page.";
  }
});

watch("value", () => {
  const news = props.value && props.value.revealed;
  if (!news || !steps.some(({ name }) => name === news.name)) return;
  revealed[news.name] = news;
  const given = answers[news.name];
  if (given && news.answer !== null) {
    given.isRight = given.choice === news.answer;
    saveState("localStorage", STORE, answers);
  }
  $(".hint").textContent = "";
  if (steps[at].name === news.name) showAnswer();
});

// Pages end above the bar.
new ResizeObserver(() => {
  document.documentElement.style.setProperty("--lesson-height", bar.offsetHeight + "px");
}).observe(bar);

// Back and forward change the page and leave the step.
window.addEventListener("popstate", () => tell(bar.hidden ? 0 : at + 1));

const asked = new URL(location.href).searchParams;
const number = Number(asked.get("lesson"));
if (Number.isInteger(number) && number > 0 && number <= steps.length) {
  open(number);
  // All that a page does when it is opened belongs to the step.
  if (!asked.has("tab")) location.replace(address(at + 1));
}
