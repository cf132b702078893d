// Builds the table from the value; sorting happens here, without the server.
const section = element.querySelector(".results");
const headings = element.querySelector("thead tr");
const body = element.querySelector("tbody");
const all = element.querySelector(".all");
let sorting = { key: null, descending: false };

function make(tag, text, parent) {
  const node = document.createElement(tag);
  node.textContent = text;
  parent.append(node);
  return node;
}

function shownColumns() {
  return props.value.columns
    .map((column, index) => ({ ...column, index }))
    .filter((column) => all.checked || column.main);
}

// Figures that could not be computed come last, whichever way the rest is sorted.
function sortedRows() {
  const rows = [...props.value.rows];
  const column = props.value.columns.findIndex(({ key }) => key === sorting.key);
  if (column < 0) return rows;
  const sign = sorting.descending ? -1 : 1;
  return rows.sort((first, second) => {
    const [a, b] = [first.cells[column].value, second.cells[column].value];
    if (a === null || b === null) return (a === null) - (b === null);
    return sign * (typeof a === "number" ? a - b : a.localeCompare(b));
  });
}

function sortBy(key) {
  sorting = { key, descending: sorting.key === key && !sorting.descending };
  show();
  headings.querySelector("[data-key=" + key + "] button").focus();
}

function showHeading(column) {
  const heading = make("th", "", headings);
  heading.scope = "col";
  heading.dataset.key = column.key;
  heading.className = column.numeric ? "number" : "";
  if (column.key === sorting.key) {
    heading.setAttribute("aria-sort", sorting.descending ? "descending" : "ascending");
  }
  const button = make("button", column.label, heading);
  button.type = "button";
  button.title = column.hint;
  button.addEventListener("click", () => sortBy(column.key));
}

function showCell(cell, column, line) {
  const node = make(column.heading ? "th" : "td", cell.text, line);
  if (column.heading) node.scope = "row";
  node.className = column.numeric ? "number" : "";
  if (cell.interval) make("small", cell.interval, node);
  if (cell.reason) {
    node.title = cell.reason;
    make("small", cell.reason, node).className = "reason";
  }
}

function show() {
  const known = Boolean(props.value && props.value.rows);
  section.hidden = !known;
  if (!known) return;
  element.querySelector("h3").textContent = props.value.title;
  element.querySelector("header p").textContent = props.value.note;
  all.parentElement.hidden = props.value.columns.every(({ main }) => main);
  const columns = shownColumns();
  headings.replaceChildren();
  columns.forEach(showHeading);
  body.replaceChildren();
  for (const row of sortedRows()) {
    const line = make("tr", "", body);
    line.dataset.style = row.style;
    for (const column of columns) showCell(row.cells[column.index], column, line);
  }
  const meanings = element.querySelector("dl");
  meanings.replaceChildren();
  for (const { label, hint } of columns) {
    make("dt", label, meanings);
    make("dd", hint, meanings);
  }
}

all.addEventListener("change", show);
watch("value", show);
show();
