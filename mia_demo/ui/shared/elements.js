// Parts of a component, made one by one: what strangers named is only ever set as text.
function make(tag, className, parent, text) {
  const node = document.createElement(tag);
  node.className = className;
  if (text !== undefined) node.textContent = text;
  parent.append(node);
  return node;
}

// What it does is told which button it was.
function button(parent, text, label, act) {
  const node = make("button", "", parent, text);
  node.type = "button";
  node.setAttribute("aria-label", label);
  node.addEventListener("click", () => act(node));
  return node;
}

