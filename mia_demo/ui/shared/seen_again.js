// Acts when a part of the page comes into view for the first time since its page was chosen, and not
// at every scroll.
function whenSeen(part, act) {
  let isNew = true;
  // A part that is out of view when its page is left tells the other observer nothing.
  new ResizeObserver(() => {
    if (!part.offsetWidth) isNew = true;
  }).observe(part);
  new IntersectionObserver((entries) => {
    if (!isNew || !entries[entries.length - 1].isIntersecting) return;
    isNew = false;
    act();
  }).observe(part);
}

