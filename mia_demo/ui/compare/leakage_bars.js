// uses shared/elements
// A bar per lane. The lane that is chosen here is told to the page's other components by the event
// "chosen-lane"; they may tell it back.
const bars = $(".bars");
const share = (value) => `${value * 100}%`;

function showBar({ lane, style, alpha, value, low, high, text, people, words }) {
  const row = make("button", "bar", bars);
  Object.assign(row, { type: "button", title: words });
  Object.assign(row.dataset, { style, lane });
  row.setAttribute("aria-label", words);
  row.addEventListener("click", () => {
    const isChosen = row.getAttribute("aria-pressed") === "true";
    const detail = { lane: isChosen ? null : lane, reveal: true };
    document.dispatchEvent(new CustomEvent("chosen-lane", { detail }));
  });
  make("span", "name clipped strong", row, lane);
  make("span", "alpha quiet", row, alpha);
  const track = make("span", "track", row);
  make("span", "fill", track).style.width = share(value);
  const range = make("span", "range", track);
  Object.assign(range.style, { left: share(low), width: share(high - low) });
  make("span", "number strong digits", row, text);
  make("span", "people quiet", row, people);
}

function show() {
  const { lanes = [] } = props.value || {};
  $(".leakage").hidden = !lanes.length;
  bars.replaceChildren();
  lanes.forEach(showBar);
}

document.addEventListener("chosen-lane", ({ detail }) => {
  for (const row of bars.children) row.setAttribute("aria-pressed", row.dataset.lane === detail.lane);
});
watch("value", show);
show();
