// uses line_up/game
// What a host shows to the class: the way into the room, and how many have voted.
function showRoom(now) {
  $(".room").hidden = now.role !== "host";
  if (now.role !== "host") return;
  const link = new URL(location.href.split(/[?#]/)[0]);
  link.searchParams.set("room", now.code);
  $(".code").textContent = now.code;
  $(".code").setAttribute("aria-label", "Code: " + [...now.code].join(" "));
  if ($(".link").textContent !== link.href) showQr(link.href);
  $(".link").textContent = link.href;
  $(".reach").hidden = !["127.0.0.1", "localhost", "[::1]"].includes(location.hostname);
  $(".invitation").textContent = now.is_locked
    ? "Locked: nobody else can join."
    : "Vote with your phone: on the Line-up page enter";
  $(".cast").textContent = now.votes;
  $(".of").textContent = `of ${now.voters} voted`;
}

async function showQr(link) {
  const picture = $(".qr");
  picture.hidden = true;
  const code = await ask("qr", { link }).catch(() => null); // too long a link has none
  if (!code || $(".link").textContent !== link) return;
  picture.src = code.image;
  picture.hidden = false;
}

