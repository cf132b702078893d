// uses shared/elements
// Sends the mark of a frame back once what came with it is drawn.
watch("value", () => {
  if (Number.isInteger(props.value)) setTimeout(server.seen, 0, props.value);
});
