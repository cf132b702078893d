"""What the boards say of people, verdicts and progress."""

from collections.abc import Sequence

from mia_demo.recipes.model_card import has_embedded_identities
from mia_demo.visitors.own_people import OwnPeople, People


def called(identity: int, names: Sequence[str]) -> str:
    """An own person's name, which is the folder's; else the number."""
    return names[identity] if names else f"identity {identity}"


def title_of(identity: int, names: Sequence[str] = ()) -> str:
    """The heading above an identity's photos."""
    return names[identity] if names else f"Identity {identity}"


def photo_words(people: People) -> str:
    """Whose the photos are, below the first of them."""
    if isinstance(people, OwnPeople):
        return "A photo of your own people, who consent"
    if has_embedded_identities(people.zoo.base):
        return "Training photo of a synthetic person"
    return "Real training photo"


def verdict_words(top1: int, identity: int, names: Sequence[str] = ()) -> str:
    """What the evaluator says, in words."""
    return f"{'recognised as' if top1 == identity else 'taken for'} {called(top1, names)}"


def progress_of(stage: str, step: int, total_steps: int) -> float:
    """How much of an attack is done after this step, 0 to 1."""
    # Optimisation takes nearly all of the time.
    if stage == "optimisation":
        return 0.05 + 0.9 * step / total_steps
    return {"sampling": 0.05, "selection": 0.97, "done": 1.0}[stage]
