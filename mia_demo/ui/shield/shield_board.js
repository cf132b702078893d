// uses shared/elements shield/cell_pictures
// Targets down, attacks across. The matrix is one stop of the Tab key; arrows move inside it.
const board = $(".board");
const name = "judge-" + Math.random().toString(36).slice(2);
let layer = "acc1";
let opened = null; // what the cell below shows

function showLayers() {
  const field = $(".layers");
  if (field.querySelector("label")) return;
  for (const { key, label } of props.value.layers) {
    const option = make("label", "marked", field);
    radio(option, name, key, key === layer, (chosen) => { layer = chosen; showBoard(); });
    make("span", "", option, label);
  }
}

function heading(parent, text, scope, span = 1) {
  const node = make("th", "", parent, text);
  Object.assign(node, { scope, colSpan: span });
  return node;
}

function showBoard() {
  const { layers, groups, attacks, rows } = props.value;
  const words = layers.find(({ key }) => key === layer).words;
  setText(".what", `Share of reconstructions ${words}; below it the 95% interval in percent.`);
  board.dataset.layer = layer;
  const [head, body] = [board.tHead, board.tBodies[0]];
  head.replaceChildren();
  body.replaceChildren();
  const kinds = make("tr", "", head);
  heading(kinds, "Needs", "row");
  for (const { title, count } of groups) heading(kinds, title, "colgroup", count);
  const names = make("tr", "", head);
  heading(names, "Target", "col");
  for (const { title } of attacks) heading(names, title, "col");
  for (const { lane, style, what, cells } of rows) {
    const line = make("tr", "", body);
    line.dataset.style = style;
    make("small", "", heading(line, lane, "row"), what);
    for (const { name: attack } of attacks) {
      const found = cells.find((one) => one.attack === attack);
      const node = make("td", "quiet", line, found ? "" : "not run");
      node.tabIndex = -1;
      node.setAttribute("role", "gridcell");
      if (!found) continue;
      node.className = "";
      const { value, text, interval } = found[layer];
      node.style.setProperty("--value", value);
      make("b", "", node, text);
      make("small", "", node, interval);
      Object.assign(node.dataset, { lane, attack });
      node.setAttribute("aria-selected", opened === `${lane} ${attack}`);
    }
  }
  (board.querySelector("[aria-selected=true]") || board.querySelector("[role=gridcell]")).tabIndex = 0;
}

function showEnds() {
  const { epsilons, rows } = props.value;
  const [head, body] = [$(".ends").tHead, $(".ends").tBodies[0]];
  head.replaceChildren();
  body.replaceChildren();
  const line = make("tr", "", head);
  heading(line, "Target", "col");
  const grid = epsilons.join(" · ");
  const columns = ["In words", "Best attack", "Gap", "Test", `FGSM, ε ${grid}`, `PGD, ε ${grid}`, "Published"];
  for (const text of columns) heading(line, text, "col");
  for (const { lane, style, ends } of rows) {
    const { cells } = row(body, lane, ends.map(({ text }) => text), style);
    ends.forEach(({ small }, index) => small && make("small", "", cells[index + 1], small));
  }
}

function show() {
  const value = props.value || {};
  if (!value.rows) return;
  const isFound = value.rows.length > 0;
  $(".loading").hidden = true;
  $(".found").hidden = !isFound;
  $(".nothing").hidden = isFound;
  if (!isFound) return;
  setText(".headline", value.headline);
  setText(".record", value.record);
  showLayers();
  showBoard();
  showEnds();
}

async function open(node) {
  const { lane, attack } = node.dataset;
  if (!attack) return;
  opened = `${lane} ${attack}`;
  for (const one of board.querySelectorAll("[role=gridcell]")) one.setAttribute("aria-selected", one === node);
  await attempt(node, async () => {
    const found = await server.cell(lane, attack);
    if (found.error) throw new Error(found.error);
    if (opened !== `${lane} ${attack}`) return;
    showCell(found);
    $(".live").onclick = () => go(`${found.live}&identity=${$(".whom").value}`);
    $(".deal").onclick = () => go(found.deal);
  });
}

function focusOn(node) {
  for (const one of board.querySelectorAll("[tabindex='0']")) one.tabIndex = -1;
  node.tabIndex = 0;
  node.focus();
}

board.addEventListener("click", ({ target }) => {
  const node = target.closest("[role=gridcell]");
  if (!node) return;
  focusOn(node);
  open(node);
});
board.addEventListener("keydown", (event) => {
  const node = event.target.closest("[role=gridcell]");
  if (!node) return;
  if (event.key === "Enter" || event.key === " ") {
    event.preventDefault();
    return open(node);
  }
  const lines = [...board.tBodies[0].rows];
  const [down, across] = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[event.key] || [0, 0];
  const to = lines[lines.indexOf(node.parentElement) + down]?.cells[node.cellIndex + across];
  if ((!down && !across) || to?.getAttribute("role") !== "gridcell") return;
  event.preventDefault();
  focusOn(to);
});
watch("value", show);
show();
if (!props.value || !props.value.rows) trigger("apply");
