// uses shared/elements
// Fills in an opened run; copying and going to another page happen in the browser.

function show() {
  const value = props.value || {};
  $(".found").hidden = value.title === undefined; // until a link's run is found, if it is
  if (!value.key) return;
  if (value.title === undefined) return trigger("apply"); // a link names it
  $(".found h3").textContent = value.title;
  $(".recorded").hidden = !value.recorded;
  $(".words").replaceChildren();
  for (const sentence of value.words) make("p", "", $(".words"), sentence);
  $(".caveat").textContent = value.caveat;
  $(".caveat").hidden = !value.caveat;
  $(".repeated").textContent = value.repeated || "";
  $(".repeated").hidden = !value.repeated;
  $(".repeated").dataset.identical = Boolean(value.identical);
  $(".files").hidden = !value.files.length;
  for (const button of element.querySelectorAll("[data-kind]")) {
    button.hidden = !value.files.includes(button.dataset.kind);
  }
  $(".command").hidden = !value.command;
  $("code").textContent = value.command;
  $(".copied").textContent = "";
  $(".page").hidden = !value.page;
  $(".page").textContent = `${value.does} on the ${value.page} page`;
}

for (const button of element.querySelectorAll("[data-kind]")) {
  button.addEventListener("click", () => {
    props.value = { ...props.value, wanted: button.dataset.kind };
    trigger("download");
  });
}

$(".copy").addEventListener("click", async () => {
  try {
    await navigator.clipboard.writeText(props.value.command);
    $(".copied").textContent = "Copied.";
  } catch {
    // Without https a page of another machine may not write to the clipboard.
    window.getSelection().selectAllChildren($("code"));
    $(".copied").textContent = "Selected; press Ctrl+C.";
  }
});

$(".page").addEventListener("click", () => trigger("select"));

watch("value", show);
show();
