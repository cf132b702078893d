// Saves each file once; it never touches the server's disk.
let saved = 0;

function save({ number, name, type, content }) {
  saved = number;
  const bytes = Uint8Array.from(atob(content), (letter) => letter.charCodeAt(0));
  const link = document.createElement("a");
  link.href = URL.createObjectURL(new Blob([bytes], { type }));
  link.download = name;
  link.click();
  setTimeout(() => URL.revokeObjectURL(link.href), 60000);
  element.querySelector("p").textContent = `Saved ${name}.`;
}

watch("value", () => {
  if (props.value && props.value.number && props.value.number !== saved) save(props.value);
});
