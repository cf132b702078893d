// uses shared/elements
// Somebody else, at random: of the recorded people, or of a visitor's own. Settings lie folded below.
const fold = $(".fold");
const page = () => element.closest(".attack-page");

$(".other").hidden = !props.people.length;
$(".other").addEventListener("click", () => {
  const faces = [...page().querySelectorAll(".face input")];
  const shown = Number(faces.find((face) => face.checked)?.value);
  const isOwn = page().classList.contains("with-own-people");
  const known = isOwn ? faces.map((face) => Number(face.value)) : props.people;
  const others = known.filter((person) => person !== shown);
  if (!others.length) return;
  props.value = { wanted: others[Math.floor(Math.random() * others.length)] };
  trigger("select");
});

fold.addEventListener("click", () => {
  const isOpen = page().classList.toggle("with-settings");
  fold.setAttribute("aria-expanded", isOpen);
});
