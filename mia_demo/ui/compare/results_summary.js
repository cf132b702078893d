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
  for (const part of ["origin", "record", "caveat", "headline", "verdict"]) {
    $(`.${part}`).textContent = value[part];
    $(`.${part}`).hidden = !value[part];
  }
  $(".verdict").dataset.agreement = value.agreement;
  $(".details").replaceChildren();
  for (const sentence of value.details) make("li", "", $(".details"), sentence);
  setText(".trouble", "");
}

for (const button of element.querySelectorAll("[data-kind]")) {
  const { kind } = button.dataset;
  button.addEventListener("click", () => attempt(button, async () => {
    const file = await server.download_file(props.value.key, kind);
    if (file.error) throw new Error(file.error);
    save(file.name, file.content, TYPES[kind]);
  }));
}
watch("value", show);
show();
if (!props.value || props.value.key === undefined) trigger("apply");
