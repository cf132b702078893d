// uses shared/elements
// Fills in the sentences; downloads are made on demand and never touch the server's disk.
const TYPES = { csv: "text/csv", json: "application/json", html: "text/html" };

function show() {
  const value = props.value || {};
  if (value.key === undefined) return;
  $(".loading").hidden = true;
  $(".found").hidden = !value.key;
  $(".nothing").hidden = Boolean(value.key);
  if (!value.key) return;
  $(".origin").textContent = value.origin;
  $(".provenance .words").textContent = value.record;
  $(".caveat").textContent = value.caveat;
  $(".caveat").hidden = !value.caveat;
  $(".headline").textContent = value.headline;
  $(".verdict").textContent = value.verdict;
  $(".verdict").hidden = !value.verdict;
  $(".verdict").dataset.agreement = value.agreement;
  $(".details").replaceChildren();
  for (const sentence of value.details) make("li", "", $(".details"), sentence);
  $(".trouble").textContent = "";
}

async function download(button) {
  $(".trouble").textContent = "";
  button.disabled = true;
  try {
    const file = await server.download_file(props.value.key, button.dataset.kind);
    if (!file || file.content === undefined) throw new Error(file && file.error);
    save(file.name, file.content, TYPES[button.dataset.kind]);
  } catch (error) {
    $(".trouble").textContent = error.message || "The download failed; reload the page.";
  } finally {
    button.disabled = false;
  }
}

for (const button of element.querySelectorAll("[data-kind]")) {
  button.addEventListener("click", () => download(button));
}
watch("value", show);
show();
if (!props.value || props.value.key === undefined) trigger("load");
