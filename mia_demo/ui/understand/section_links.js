const SETTLE_MILLISECONDS = 250; // pictures above a section arrive late and push it down

// Brings the section that a link names into view, unfolded.
function scrollTo(name, tries = 8) {
  const section = document.getElementById("understand-" + name);
  if (section && section.tagName === "DETAILS") section.open = true;
  if (section) section.scrollIntoView({ block: "start" });
  if (tries && name === props.value) setTimeout(() => scrollTo(name, tries - 1), SETTLE_MILLISECONDS);
}

watch("value", () => props.value && scrollTo(props.value));
document.addEventListener("link-read", () => props.value && scrollTo(props.value)); // the same once more
if (props.value) scrollTo(props.value);
