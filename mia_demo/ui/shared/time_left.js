// uses shared/elements
// Counts down in .left between two messages of the server; endIn(null) ends that.
let endsAt = null;

function endIn(seconds) {
  endsAt = seconds === null ? null : Date.now() + seconds * 1000;
  countDown();
}

function clock(seconds) {
  if (seconds < 90) return Math.ceil(seconds) + " s";
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? minutes + " min" : (minutes / 60).toFixed(1) + " h";
}

function countDown() {
  const seconds = endsAt === null ? null : (endsAt - Date.now()) / 1000;
  setText(".left", seconds === null ? "" : seconds > 1 ? `About ${clock(seconds)} left` : "Nearly done");
}

setInterval(countDown, 1000);

