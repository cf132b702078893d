// uses shared/elements
// How often people were right, lane by lane, with the evaluator beside them.
function showTally(now) {
  $(".tally").hidden = now.tally.length === 0;
  $(".tally tbody").replaceChildren();
  for (const lane of now.tally) {
    const line = row($(".tally tbody"), lane.lane, [lane.rounds, "", lane.choice, lane.top1], lane.style);
    if (lane.note) make("small", "quiet", line.querySelector("th"), ` ${lane.note}`);
    const [rounds, share] = line.querySelectorAll("td");
    rounds.className = "rounds";
    share.className = "share";
    const track = make("span", "track", share);
    const percent = (value) => 100 * value + "%";
    make("span", "value", track).style.width = percent(lane.share);
    const range = make("span", "range", track);
    range.style.left = percent(lane.interval[0]);
    range.style.width = percent(lane.interval[1] - lane.interval[0]);
    make("span", "chance", track).style.left = percent(now.chance);
    make("div", "figures", share, lane.words);
  }
}

