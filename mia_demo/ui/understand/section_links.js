const SETTLE_MILLISECONDS = 250; // pictures above a section arrive late and push it down

function scrollTo(name, tries = 8) {
  const section = document.getElementById("understand-" + name);
  if (section) section.scrollIntoView({ block: "start" });
  if (tries && name === props.value) setTimeout(() => scrollTo(name, tries - 1), SETTLE_MILLISECONDS);
}

for (const link of element.querySelectorAll("a")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    const name = link.dataset.section;
    props.value = name;
    scrollTo(name);
  });
}

watch("value", () => props.value && scrollTo(props.value));
if (props.value) scrollTo(props.value);
