// One step of one lane: w → image → logits → loss → gradient → new w, with its own numbers.
function makeGlass(board, go) {
  const glass = board.querySelector(".glass");
  const part = (selector) => glass.querySelector(selector);
  const slider = part("input[type=range]");
  let value = null;
  let chosen = "";

  // Upwards from the middle where positive, downwards where negative.
  function bars(name, numbers, most) {
    const parent = part(`[data-part=${name}] .bars`);
    while (parent.children.length < numbers.length) make("i", "", parent);
    numbers.forEach((number, index) => {
      const bar = parent.children[index];
      bar.dataset.sign = number < 0 ? "negative" : "positive";
      bar.style.setProperty("--size", Math.min(Math.abs(number) / most, 1));
      bar.title = fixed(number, 4);
    });
  }

  function fill() {
    const moments = value.replay?.moments || [];
    const at = value.moment ?? moments.length - 1;
    let shown = { lanes: value.lanes, words: value.status };
    if (!value.lanes.some(({ detail }) => detail)) {
      // Before the first step and at the result there is none: the nearest one, then.
      const near = at === 0 ? moments : [...moments].reverse();
      shown = near.find(({ lanes }) => lanes.some(({ detail }) => detail)) || shown;
    }
    const index = Math.max(value.lanes.findIndex(({ name }) => name === chosen), 0);
    const detail = shown.lanes[index]?.detail;
    chosen = value.lanes[index].name;
    glass.dataset.style = value.lanes[index].style;
    part(".pipeline").hidden = !detail;
    part(".none").hidden = Boolean(detail);
    slider.hidden = !moments.length;
    slider.max = moments.length - 1;
    slider.value = at;
    setText(part(".moment"), detail ? moments[at]?.words || "" : "");
    slider.setAttribute("aria-valuetext", moments[at]?.words || "");
    part(".which").hidden = value.lanes.length < 2;
    laneChoice(part(".which"), `${props.name}-glass`, value.lanes, chosen, (now) => {
      chosen = now;
      fill();
    });
    if (!detail) return;

    const most = Math.max(...detail.w.map(Math.abs), 1e-6);
    bars("w", detail.w, most);
    bars("next", detail.w.map((number, k) => number + detail.moved[k]), most);
    bars("gradient", detail.gradient, Math.max(...detail.gradient.map(Math.abs), 1e-12));
    part("[data-part=image] .drawn").replaceChildren();
    const { picture: drawn } = value.lanes[index];
    if (drawn) picture(part("[data-part=image] .drawn"), drawn.uri, "", "square");
    const list = part("[data-part=logits] dl");
    list.replaceChildren();
    const top = Math.max(...detail.logits);
    const low = Math.min(...detail.logits, 0);
    detail.identities.forEach((identity, k) => {
      const who = value.names?.[identity] || String(identity);
      make("dt", identity === value.identity ? "target strong" : "", list, identity === value.identity ? `${who} (target)` : who).title = who;
      const cell = make("dd", "digits", list, fixed(detail.logits[k], 1));
      cell.style.setProperty("--size", (detail.logits[k] - low) / Math.max(top - low, 1e-6));
    });
    setText(part("[data-part=loss] strong"), fixed(detail.loss, 3));
    setText(part("[data-part=gradient] p"), `by w, length ${detail.gradient_norm.toPrecision(2)}`);
    setText(part("[data-part=next] p"), `Adam moved it by ${detail.moved_norm.toPrecision(2)}`);
  }

  slider.addEventListener("input", () => go(Number(slider.value)));
  glass.addEventListener("toggle", () => glass.open && value && fill());
  return {
    show(newest) {
      value = newest;
      if (glass.open) fill();
    },
  };
}
