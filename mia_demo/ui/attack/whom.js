// uses shared/elements
// Somebody else: any of the recorded people, at random. The settings lie folded below.
const fold = $(".fold");
const page = () => element.closest(".attack-page");

$(".other").hidden = !props.people.length;
$(".other").addEventListener("click", () => {
  const shown = Number(page().querySelector(".face input:checked")?.value);
  const others = props.people.filter((person) => person !== shown);
  props.value = { wanted: others[Math.floor(Math.random() * others.length)] };
  trigger("select");
});

fold.addEventListener("click", () => {
  const isOpen = page().classList.toggle("with-settings");
  fold.setAttribute("aria-expanded", isOpen);
});
