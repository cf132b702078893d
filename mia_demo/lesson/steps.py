"""The lesson: steps through the pages, each with a question to answer before the figures are seen.

A step's link sets page and settings as the address does. What it reveals is computed from recorded
figures, the right answer included: other checkpoints may well give other answers.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import torch

from mia_demo.errors import DataError
from mia_demo.lesson.figures import Figures
from mia_demo.report.board_words import gap_sentence, temperature_sentence
from mia_demo.report.columns import interval_text, percent, points
from mia_demo.smoothing import smoothed_labels
from mia_demo.sweep.board_figures import masking_gap
from mia_demo.toy import PAPER_WALKS

LESSON_LANES = ("positive", "zero", "negative")
ALPHA = -0.05
# The first of whom every recorded reconstruction comes out as most people's do: recognised from
# positive and zero, not from negative. The lesson says so.
PERSON = 36


class Reveal:
    """What follows the prediction.

    Args:
        answer: index of the right choice; None where there is none.
    """

    def __init__(self, answer: int | None, *paragraphs: str) -> None:
        self.answer, self.paragraphs = answer, paragraphs


@dataclass(frozen=True)
class LessonStep:
    """A step of the lesson.

    Attributes:
        name: stays the same when steps move.
        link: query of the address, without the lesson itself.
        do: what to do on the page.
        reveal: raises DataError where the figures are missing.
    """

    name: str
    title: str
    minutes: int
    link: str
    do: str
    question: str
    choices: tuple[str, ...]
    reveal: Callable[[Figures], Reveal]

    @property
    def tab(self) -> str:
        return self.link.split("&")[0].removeprefix("tab=")


def _people(figures: Figures) -> Reveal:
    return Reveal(
        2,
        f"None. All {figures.people} identities are rendered: invented heads with invented "
        f"hair and beards, {figures.photos} training photos of each in different pose and "
        "light. So nobody's privacy is at stake while we attack.",
        "For a real classifier it would be: whoever holds its weights can try what we try now.",
    )


def _label(figures: Figures) -> Reveal:
    label = smoothed_labels(torch.tensor([0]), figures.people, ALPHA)[0]
    return Reveal(
        2,
        f"With α = {_signed(ALPHA)} and {figures.people} people the right person gets "
        f"{label[0]:.4f} and each of the others {_signed(round(label[1].item(), 6))}. "
        "All entries still add up to 1.",
        "No network can say more than 100%, so training never arrives: it keeps pushing the "
        "right score up and the others down. With a positive α it is the other way round; the "
        "label asks for a little less than certainty.",
    )


def _first_attack(figures: Figures) -> Reveal:
    order = sorted(
        LESSON_LANES, key=lambda lane: figures.value("standard", lane, "acc1"), reverse=True
    )
    own = (figures.own.sentence(),) if figures.own else ()
    count = len(figures.sweep("standard").record.identities)
    return Reveal(
        LESSON_LANES.index(order[0]),
        *own,
        f"Over all {count} people, the evaluator recognises in lane "
        f"{figures.shares('standard', order)} of the reconstructions.",
        f"Identity {PERSON} was chosen because it comes out as most people do. Try others: one "
        "person alone proves nothing, in either direction.",
    )


def _judges(figures: Figures) -> Reveal:
    sure = figures.value("standard", "negative", "target_confidence")
    right = figures.value("standard", "negative", "acc1")
    face = figures.value("standard", "negative", "face_rank1")
    answer = 0 if sure < right - 0.1 else 2 if sure > right + 0.1 else 1
    return Reveal(
        answer,
        f"At the end the negative classifier is {percent(sure)} sure on average that it sees "
        f"the person. The evaluator agrees for {percent(right)} of the pictures, and a face "
        f"embedder that knows none of these people picks the right one for {percent(face)}.",
        "The attack searches for whatever convinces its target, so the target is convinced in "
        "the end. That is no evidence of a likeness. Hence the second judge: another "
        "architecture, never attacked.",
    )


def _compass(figures: Figures) -> Reveal:
    cosines = {lane: figures.last_cosine("standard", lane) for lane in LESSON_LANES}
    told = [f"{lane} {_signed(round(value, 2))}" for lane, value in cosines.items()]
    return Reveal(
        LESSON_LANES.index(min(cosines, key=lambda lane: cosines[lane])),
        f"At the end of the optimisation, the mean cosine of two gradients in a row is "
        f"{', '.join(told[:-1])} and {told[-1]}. 1 means the same direction again, 0 means "
        "that the last direction says nothing about the next.",
        "An attacker follows the gradient as a walker follows a compass. Where it turns at "
        "every step, many steps lead nowhere.",
    )


def _toy(figures: Figures) -> Reveal:
    steps, distance = PAPER_WALKS[ALPHA]
    ends = [
        f"with α = {_signed(alpha)} after {count} steps, {far} away"
        for alpha, (count, far) in sorted(PAPER_WALKS.items(), reverse=True)
    ]
    return Reveal(
        0 if distance < 2 else 1 if distance <= 5 else 2,
        f"The paper's walk with α = {_signed(ALPHA)} stops after only {steps} steps, "
        f"{distance} from the nearest point of its class; yours from the same start does too.",
        f"All three stop where the network is sure: {'; '.join(ends)}. Wide soft borders lead "
        "the attack into the middle of the class, a razor-thin border stops it right behind.",
    )


STAGE_LANES = {
    "negative>zero>zero": "sampling",
    "zero>negative>zero": "optimisation",
    "zero>zero>negative": "selection",
}


def _stages(figures: Figures) -> Reveal:
    leaks = {stage: figures.value("stages", lane, "acc1") for lane, stage in STAGE_LANES.items()}
    told = [f"{percent(leak)} with it in {stage} alone" for stage, leak in leaks.items()]
    by_damage = sorted(leaks, key=leaks.__getitem__)
    return Reveal(
        list(leaks).index(by_damage[0]),
        f"The evaluator recognises {', '.join(told[:-1])} and {told[-1]}. For comparison: "
        f"{figures.shares('stages', ('zero', 'negative'))} with one classifier in all stages.",
        "The shield does not hide what the classifier knows. It spoils the search: most of all "
        f"the {by_damage[0]}, then the {by_damage[1]}, and the {by_damage[2]} least.",
    )


def _poincare(figures: Figures) -> Reveal:
    def kept(sweep: str) -> float:
        zero = figures.value(sweep, "zero", "acc1")
        return figures.value(sweep, "negative", "acc1") / zero if zero else 1.0

    own = figures.own if figures.own and figures.own.attack == "poincare" else None
    share = kept("poincare")
    answer = 0 if share < 0.5 else 1 if share < 0.85 else 2
    limit = (
        "That is an honest limit of this demo: in the paper's large networks the shield holds "
        "against this loss too, in these small ones only part of it does. "
        if answer
        else ""
    )
    return Reveal(
        answer,
        *((own.sentence(),) if own else ()),
        "With the Poincaré loss the evaluator recognises "
        f"{figures.shares('poincare', LESSON_LANES)}; with cross-entropy and the same effort "
        f"{figures.shares('stages', ('zero', 'negative'))}.",
        f"So negative smoothing lets through {percent(share)} of what the ordinary classifier "
        f"does, instead of {percent(kept('stages'))}. The Poincaré loss looks at the "
        "direction of the scores and not at their size, so its gradients do not fade.",
        f"{limit}A defence is only as good as the strongest attack it was tried against.",
    )


def _masking(figures: Figures) -> Reveal:
    row = figures.board_row("negative")
    gap = masking_gap(row.cells)
    if gap is None or gap.interval is None:
        raise DataError("The recorded board is too small to tell whether the gradient is masked.")
    low, high = gap.interval
    bounds = interval_text(gap.interval, "points")
    return Reveal(
        0 if high < 0 else 1 if low > 0 else 2,
        f"{gap_sentence(row)} {temperature_sentence(row)}".rstrip(),
        f"The gap is {points(gap.value)} points (95% interval {bounds} over {gap.people} "
        "people). Below 0 the gradient would be masked: hidden from whoever follows it in any "
        "way, while the person is still there to find.",
    )


def _utility(figures: Figures) -> Reveal:
    accuracies = [figures.value("standard", lane, "test_accuracy") for lane in ("zero", "negative")]
    cost = 100 * (accuracies[0] - accuracies[1])
    people = len(figures.sweep("alphas").record.identities)
    return Reveal(
        0 if cost < 1 else 1 if cost <= 5 else 2,
        f"Test accuracy: {figures.shares('standard', LESSON_LANES, 'test_accuracy')}; the "
        f"negative factor costs {cost:.2f} percentage points here.",
        f"With the quicker attack, over {people} people: with α = {_signed(-0.1)} accuracy is "
        f"{percent(figures.value('alphas', 'alpha-0.1', 'test_accuracy'))} and the evaluator "
        f"recognises {percent(figures.value('alphas', 'alpha-0.1', 'acc1'))}, with "
        f"{_signed(ALPHA)} {percent(figures.value('alphas', 'alpha-0.05', 'acc1'))}. These are "
        "easy pictures; expect a higher price on photographs.",
    )


def _line_up(figures: Figures) -> Reveal:
    ranks = {lane: figures.value("standard", lane, "face_rank1") for lane in LESSON_LANES}
    return Reveal(
        LESSON_LANES.index(max(ranks, key=lambda lane: ranks[lane])),
        f"A face embedder, which had to pick among all {figures.people} people, was right for "
        f"{figures.shares('standard', LESSON_LANES, 'face_rank1')} of the reconstructions.",
        "Compare with your own picks. Where people and program disagree, ask what each of them "
        "looks at.",
    )


def _ethics(figures: Figures) -> Reveal:
    del figures  # no figure answers it
    return Reveal(
        None,
        "There is no single answer. For it: the attack gets harder, at little cost. Against "
        "it: the shield has no proof, one other loss got around it here, and black-box attacks "
        "need no gradients at all. Differential privacy gives a guarantee, at a higher price.",
        "Questions to go on with: Who decides, if not those in the photos? Would you publish "
        "the attack? What would you ask a vendor of face recognition after this lesson?",
    )


ATTACK = f"tab=attack&identity={PERSON}&preset=quick&seed=0"

LESSON_STEPS = (
    LessonStep(
        "people",
        "Who is in the set?",
        3,
        ATTACK,
        "Open Settings and scroll through the gallery of faces. "
        "Choose three and click on their photo, to see more of them.",
        "How many of these people exist?",
        ("All of them", "Some of them", "None of them"),
        _people,
    ),
    LessonStep(
        "label",
        "A smoothed label, as bars",
        3,
        "tab=train&alpha=-0.05",
        "Drag the smoothing factor α from left to right and watch the bars. "
        "Bring it back to −0.05.",
        "With α = −0.05: what does the label demand for the right person?",
        ("A little less than 1", "Exactly 1", "More than 1"),
        _label,
    ),
    LessonStep(
        "attack",
        "The first attack",
        5,
        ATTACK,
        "Predict first. Then press Start. Watch the three faces form, and what the evaluator says.",
        "Which lane will give away most, over many people?",
        LESSON_LANES,
        _first_attack,
    ),
    LessonStep(
        "judges",
        "Who may judge?",
        4,
        ATTACK,
        "Look at the finished attack: each lane's final confidence, and the evaluator below. "
        "Attack a second person and compare.",
        "How sure is the negative classifier itself of its reconstructions, compared with the "
        "evaluator?",
        ("Less sure", "About as sure", "Surer"),
        _judges,
    ),
    LessonStep(
        "compass",
        "Do the gradients keep their direction?",
        4,
        "tab=understand&section=gradients",
        "Read the curves: after an attack they are those of your own.",
        "In which lane do two gradients in a row agree least?",
        LESSON_LANES,
        _compass,
    ),
    LessonStep(
        "toy",
        "The same in two dimensions",
        4,
        "tab=understand&section=toy&toy=-0.05",
        "Watch the three landscapes form. Predict, then press Walk.",
        "How far from the nearest ▲ does the walk with α = −0.05 stop?",
        ("Under 2", "2 to 5", "Over 5"),
        _toy,
    ),
    LessonStep(
        "stages",
        "Which stage is hit?",
        4,
        "tab=compare&results=results/stages",
        "In each lane here another stage is served by the negative classifier: "
        "sampling > optimisation > selection. Predict before you look at the bars.",
        "In which stage does negative smoothing spoil the attack most?",
        ("Sampling", "Optimisation", "Selection"),
        _stages,
    ),
    LessonStep(
        "poincare",
        "The attacker changes the loss",
        4,
        f"{ATTACK}&loss=poincare",
        "The same person, the same three classifiers; only the loss is Plug & Play's own now "
        "(Settings, Advanced, Loss). Predict, then press Start.",
        "What is left of the shield?",
        ("It holds", "It is weaker, but clearly there", "It is nearly gone"),
        _poincare,
    ),
    LessonStep(
        "masking",
        "Hidden, or gone?",
        3,
        "tab=shield",
        "Choose a cell in the row of the negative classifier and compare its faces with the "
        "photos. Predict before you read on below.",
        "Does an attack without gradients get more out of it than the best one with them?",
        ("Yes, more", "No, less", "Too close to tell"),
        _masking,
    ),
    LessonStep(
        "utility",
        "What does the shield cost?",
        3,
        "tab=compare&results=results/alphas",
        "Open “Accuracy against leakage”: right is more useful, up leaks more.",
        "How much test accuracy does α = −0.05 cost here?",
        ("Less than one percentage point", "One to five", "More than five"),
        _utility,
    ),
    LessonStep(
        "line-up",
        "Can you tell?",
        4,
        "tab=line-up",
        "Pick the person behind each reconstruction. Compare your score with your neighbour's.",
        "In which lane will the right person be picked most often?",
        LESSON_LANES,
        _line_up,
    ),
    LessonStep(
        "ethics",
        "What follows?",
        4,
        "tab=understand&section=sources",
        "Open “Sources, limits, ethics” and read the end of it. "
        "Discuss in pairs, two minutes each.",
        "A clinic wants to publish a classifier of its patients, trained with negative smoothing. "
        "May it?",
        ("Yes", "No", "It depends"),
        _ethics,
    ),
)


def steps_with(tabs: Sequence[str]) -> list[LessonStep]:
    """The steps whose pages exist."""
    return [step for step in LESSON_STEPS if step.tab in tabs]


def _signed(value: float) -> str:
    return f"{value:+g}".replace("-", "−") if value else "0"
