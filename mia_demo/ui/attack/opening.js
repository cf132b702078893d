// Until the page is up, and shows the same person, the opening stands before it.
(() => {
  const MAX_STALE_MS = 8000; // after the page is up, which may show another person by a link
  const opening = document.currentScript.parentElement;
  const asked = new URLSearchParams(location.search);
  const theme = asked.get("__theme");
  asked.delete("__theme");
  const isDark = theme === "dark" || (theme !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  const isBare = [...asked].length > 0 || !opening.dataset.title;
  opening.classList.toggle("dark", isDark);
  opening.classList.toggle("bare", isBare);

  function remove() {
    observer.disconnect();
    opening.remove();
  }

  const observer = new MutationObserver(async () => {
    if (!document.querySelector(".masthead .menu")) return;
    setTimeout(remove, MAX_STALE_MS);
    if (!isBare) {
      const title = document.querySelector(".attack-page .photos h3")?.textContent;
      const pictures = [...document.querySelectorAll(".attack-page .portrait .square")];
      if (title !== opening.dataset.title || !pictures.length) return;
      observer.disconnect();
      await Promise.allSettled(pictures.map((picture) => picture.decode()));
    }
    remove();
  });
  observer.observe(document, { childList: true, subtree: true, characterData: true });
})();
