// uses shared/elements
// Saves each file once.
let saved = 0;

watch("value", () => {
  const { number, name, type, content } = props.value || {};
  if (!number || number === saved) return;
  saved = number;
  save(name, Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0)), type);
  setText("p", `Saved ${name}.`);
});
