// One lane, large: the photo under its best reconstruction, to be wiped away, and all its others.
function makeCloserLook(board, download) {
  const dialog = board.querySelector(".closer");
  const part = (selector) => dialog.querySelector(selector);
  let value = null;
  let chosen = "";

  function open(name) {
    if (!value || !value.photos.length) return;
    chosen = name || chosen;
    fill();
    dialog.showModal();
    part(".which input:checked").focus();
  }

  function fill() {
    const lane = value.lanes.find((one) => one.name === chosen) || value.lanes[0];
    chosen = lane.name;
    laneChoice(part(".which"), `${props.name}-closer`, value.lanes, chosen, (now) => {
      chosen = now;
      fill();
    });
    const set = (image, shown) => {
      image.hidden = !shown;
      if (shown) Object.assign(image, { src: shown.uri, alt: shown.alt });
    };
    set(part(".below"), value.photos[0]);
    set(part(".above"), lane.picture);
    part(".wipe").hidden = !lane.picture;
    const verdict = lane.verdict && `The evaluator: ${lane.verdict}, ${lane.certainty}. `;
    setText(part(".about"), `${verdict}Lane ${lane.name}: ${lane.accuracy_text}. ${lane.expectation}`);
    part(".candidates").replaceChildren();
    const more = [...value.photos.slice(1), null, lane.picture, ...lane.others];
    for (const shown of more) if (shown) picture(part(".candidates"), shown.uri, shown.alt, "square");
    for (const button of dialog.querySelectorAll("[data-kind]")) button.disabled = !value.run;
  }

  const wipe = part(".wipe input");
  const follow = () => part(".pair").style.setProperty("--wiped", `${wipe.value}%`);
  wipe.addEventListener("input", follow);
  follow();
  part(".close").addEventListener("click", () => dialog.close());
  dialog.addEventListener("click", (event) => event.target === dialog && dialog.close());
  board.querySelector(".look").addEventListener("click", () => open());
  // By keyboard there is the button, which shows when it has the focus.
  board.querySelector(".columns").addEventListener("click", ({ target }) => {
    if (target.closest(".portrait")) open(target.closest(".lane")?.dataset.lane);
  });
  for (const button of board.querySelectorAll("[data-kind=png], [data-kind=webp]")) {
    button.addEventListener("click", () => download(button.dataset.kind));
  }

  return {
    show(newest) {
      value = newest;
      if (dialog.open) fill();
    },
  };
}
