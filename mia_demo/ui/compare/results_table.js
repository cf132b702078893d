// uses shared/elements
// Builds the table from the value; sorting happens here, without the server.
const section = $(".results");
const headings = $("thead tr");
const body = $("tbody");
const all = $(".all");
let sorting = { key: null, descending: false };

function shownColumns() {
  return props.value.columns
    .map((column, index) => ({ ...column, index }))
    .filter((column) => all.checked || column.is_main);
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
  const heading = make("th", column.kind === "text" ? "" : "number", headings);
  heading.scope = "col";
  heading.dataset.key = column.key;
  if (column.key === sorting.key) {
    heading.setAttribute("aria-sort", sorting.descending ? "descending" : "ascending");
  }
  const sort = make("button", "", heading, column.label);
  sort.type = "button";
  sort.title = column.hint;
  sort.addEventListener("click", () => sortBy(column.key));
}

function showCell(cell, column, line) {
  const isHeading = column.kind === "text";
  const node = make(isHeading ? "th" : "td", isHeading ? "" : "number", line, cell.text);
  if (isHeading) node.scope = "row";
  if (cell.interval) make("small", "quiet", node, cell.interval);
  if (cell.reason) {
    node.title = cell.reason;
    make("small", "reason quiet", node, cell.reason);
  }
}

function show() {
  const known = Boolean(props.value && props.value.rows);
  section.hidden = !known;
  if (!known) return;
  setText("h3", props.value.title);
  setText(".note", props.value.note);
  all.parentElement.hidden = props.value.columns.every((column) => column.is_main);
  const columns = shownColumns();
  headings.replaceChildren();
  columns.forEach(showHeading);
  body.replaceChildren();
  for (const row of sortedRows()) {
    const line = make("tr", "", body);
    line.dataset.style = row.style;
    for (const column of columns) showCell(row.cells[column.index], column, line);
  }
  const meanings = $("dl");
  meanings.replaceChildren();
  for (const { label, hint } of columns) {
    make("dt", "", meanings, label);
    make("dd", "", meanings, hint);
  }
}

all.addEventListener("change", show);
watch("value", show);
show();
