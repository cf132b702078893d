// uses shared/elements shared/charts
// The plane of the two-dimensional example: the network's landscape, points, start and walk.
const MARK = 0.026; // units of the plane per unit of a marker
const FAR = 0.5; // one press of an arrow key
const NEAR = 0.1; // with Shift

// moved: called with x and y when the visitor has chosen another start. Maps share it, so that one of
// them offers it to the keyboard.
function makeMap(scene, root, isFirst, moved) {
  const { side, cells } = scene;
  const canvas = make("canvas", "", root);
  canvas.setAttribute("aria-hidden", true);
  const svg = draw("svg", { viewBox: `${-side} ${-side} ${2 * side} ${2 * side}`, role: "group", "aria-label": "Map of the plane" }, root);
  const points = draw("g", { class: "points", "aria-hidden": true }, svg);
  for (const [x, y, label] of scene.points) mark(label, x, -y, points, MARK, { "data-class": label });
  const trails = ["trail halo", "trail"].map((name) => draw("polyline", { class: name, "aria-hidden": true }, svg));
  const walker = draw("circle", { class: "walker", r: 0.45, "aria-hidden": true, hidden: "" }, svg);
  const words = "Start of the walk, moved by the arrow keys";
  const slider = { role: "slider", tabindex: 0, "aria-label": words, "aria-orientation": "horizontal", "aria-valuemin": -side, "aria-valuemax": side };
  const handle = draw("g", { class: "start", ...(isFirst ? slider : { "aria-hidden": true }) }, svg);
  draw("circle", { class: "reach", r: 2 }, handle);
  draw("path", { class: "cross", d: "M-0.9 0H0.9M0 -0.9V0.9" }, handle);
  draw("circle", { class: "ring", r: 0.75 }, handle);
  let plane = null;
  let start = scene.start;

  // A colour of the style sheet as red, green and blue.
  function colour(part, name) {
    const hex = getComputedStyle($(part)).getPropertyValue(name).trim();
    return [1, 3, 5].map((at) => parseInt(hex.slice(at, at + 2), 16));
  }

  // plane: two bytes per cell, the winning class and the confidence in it.
  function paint() {
    if (!plane) return;
    const bytes = Uint8Array.from(atob(plane), (letter) => letter.charCodeAt(0));
    const classes = [0, 1, 2].map((number) => colour(`[data-class="${number}"]`, "--one"));
    const ground = colour(".toy", "--ground");
    const image = new ImageData(cells, cells);
    for (let cell = 0; cell < cells * cells; cell++) {
      const hue = classes[bytes[2 * cell]];
      // A third is the least the winner of three can have.
      const sure = Math.max(0, (bytes[2 * cell + 1] / 255 - 1 / 3) * 1.5);
      for (let channel = 0; channel < 3; channel++) {
        const mixed = ground[channel] + (hue[channel] - ground[channel]) * sure * 0.7;
        image.data[4 * cell + channel] = mixed;
      }
      image.data[4 * cell + 3] = 255;
    }
    canvas.width = canvas.height = cells;
    canvas.getContext("2d").putImageData(image, 0, 0);
  }

  function showStart([x, y]) {
    start = [x, y];
    handle.setAttribute("transform", `translate(${x} ${-y})`);
    if (!isFirst) return;
    handle.setAttribute("aria-valuenow", x);
    handle.setAttribute("aria-valuetext", `x ${fixed(x, 1)}, y ${fixed(y, 1)}`);
  }

  function move(x, y) {
    // Adding zero makes a plain zero of minus zero.
    const inside = (value) => Math.min(side, Math.max(-side, Math.round(value * 10) / 10)) + 0;
    moved(inside(x), inside(y));
  }

  function place(event) {
    const box = svg.getBoundingClientRect();
    const share = (value, from, size) => ((value - from) / size) * 2 * side - side;
    move(share(event.clientX, box.left, box.width), -share(event.clientY, box.top, box.height));
  }

  // The path of a walk so far, or null before there is one.
  function showTrail(path) {
    const drawn = (path || []).map(([x, y]) => `${x},${-y}`).join(" ");
    for (const trail of trails) trail.setAttribute("points", drawn);
    walker.toggleAttribute("hidden", !path);
    if (!path) return;
    const [x, y] = path.at(-1);
    walker.setAttribute("cx", x);
    walker.setAttribute("cy", -y);
  }

  handle.addEventListener("keydown", (event) => {
    const directions = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, 1], ArrowDown: [0, -1] };
    const direction = directions[event.key];
    if (!direction) return;
    event.preventDefault();
    const far = event.shiftKey ? NEAR : FAR;
    move(start[0] + far * direction[0], start[1] + far * direction[1]);
  });
  handle.addEventListener("pointerdown", (event) => {
    event.preventDefault();
    if (isFirst) handle.focus();
    handle.setPointerCapture(event.pointerId);
  });
  handle.addEventListener("pointermove", (event) => {
    if (handle.hasPointerCapture(event.pointerId)) place(event);
  });
  svg.addEventListener("click", (event) => {
    if (!handle.contains(event.target)) place(event);
  });
  // Another theme, another ground for the colours.
  new MutationObserver(paint).observe(document.body, { attributeFilter: ["class"] });
  showStart(start);

  return {
    showStart, showTrail,
    showPlane(newest, label) {
      plane = newest;
      svg.setAttribute("aria-label", label);
      paint();
    },
  };
}

