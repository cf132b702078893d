"""The zoo's model card, written from its manifest so that figures cannot drift apart."""

from __future__ import annotations

import json
import textwrap

from mia_demo.smoothing import format_alpha
from mia_demo.system.files import write_bytes
from mia_demo.zoo.folder import Zoo, open_zoo
from mia_demo.zoo.manifest import CheckpointEntry
from mia_demo.zoo.training_record import TrainingRecord

CARD_FILE = "README.md"

HEAD = """
# Zoo of the label-smoothing demo

Networks of the demo for "Be Careful What You Smooth For: Label Smoothing Can Be a Privacy Shield
but Also a Catalyst for Model Inversion Attacks" (ICLR 2024). Every file is listed in
`manifest.json` with size and sha256; weights are safetensors, nothing is pickled.

## What is in it

| checkpoint | kind | architecture | α | epochs | seed | measured | bytes |
|---|---|---|---|---|---|---|---|
"""

MEASURED = """
*Measured*: test accuracy on the held-out images of the same {identities} identities (targets,
evaluator); share of held-out public faces whose nearest gallery identity is the right one
(embedder, features, pretrained); mean over the attributes of the share read right off held-out
public faces (attributes).
`python -m mia_demo doctor --accuracy --zoo …` measures targets and evaluator again.

## How it was made

"""

MADE_HERE = """\
One command makes all of it again, resumable: `python -m mia_demo make-zoo --data DIR`, with
`target.zip` and `public_*.zip` in `DIR`. Recipes stand in the manifest under `training`.

- **pretrained**: told public identities apart; all targets start from it, as the paper's do from
  ImageNet.
- **positive, zero, negative**: same network, seed, data and schedule; only α differs. Negative
  smoothing is phased in: α = 0 for the first fifth of the epochs, a ramp, full α from 30 % on; the
  learning rate drops at 60 and 90 %.
- **evaluator**: another architecture, same identities. It judges attacks; it is never attacked.
- **embedder**: trained on public identities only, with cosine logits; the second judge.
- **features**: trained like the embedder, another layout and seed. Its stages told the prior what
  faces look like; it judges nothing.
- **prior**: StyleGAN2 trained on public identities only ({prior_images:,} images seen in
  {prior_minutes:.0f} minutes of computing): an autoencoder into w with errors in pixels and
  features, a mapping network that follows its styles, then critics on the features (Projected
  GANs) for random faces; weight average. Stored in float16, noise inputs off.
- **pool**: {pool_styles} styles of the prior and the targets' confidences in them, so that an
  attack finds its start candidates by lookup.
"""

MADE_ELSEWHERE = """\
Each network's recipe, as far as it is known, stands in the manifest under `training`.
"""

EMBEDDED_DATA = """\
`identities_*.zip`: {identities} synthetic identities, {train_images} training images each and the
rest for the test, 128 px renders under CC0. Nobody's face: they were made with MakeHuman, skins
blended and rendered from random parameters. `identities.json` in there holds each identity's true
attributes. The public identities (pretrained network, prior, embedder, features, attribute heads)
are disjoint from them and not included.
"""

UNSTATED_DATA = """\
`identities_*.zip`: {identities} identities, {train_images} training images each and the rest for
the test. **The publisher has not stated where these images come from**, under which licence, or
whether the people in them agreed: ask before using them.
"""

FOLDER_DATA = """\
The {identities} identities lie in a folder of the maker's machine and are not included. **Where
these images come from has not been stated.**
"""

TAIL = """
{results}## Limits

{limits}Figures are those of one attack with one prior: a shield that holds here may not hold
against a stronger one, and one zoo's figures must not be compared with another's or the paper's.

## Intended use

For teaching and for research on privacy: open it in the demo with
`python -m mia_demo attack --identity 0 --zoo hf://USER/NAME@COMMIT`. Not for recognising people. Do
not train on real people's photos without their consent, and do not publish what an attack
reconstructs of them.
"""

EMBEDDED_LIMITS = """\
Identities here are easier to tell apart than real people (20 base skins, 10 hair styles):
accuracies must not be compared with those on FaceScrub or CelebA.

"""

ATTRIBUTES = """- **attributes**: one small network with a head for each attribute, trained on
  {identities:,} public identities; it says what a reconstruction shows. Read right on images of
  {held_out} held-out ones (in brackets: always the commonest value):
  {accuracies}.
"""


def write_model_card(zoo: Zoo, results: str = "") -> None:
    """Writes ``README.md`` beside the manifest; see ``model_card``."""
    write_bytes(zoo.root / CARD_FILE, model_card(zoo, results).encode())


def model_card(zoo: Zoo, results: str = "", data_sheet: str | None = None) -> str:
    """The card, with metadata for the Hub.

    Args:
        results: recorded results of attacks, in Markdown.
        data_sheet: where the identities' images come from, in Markdown, for a zoo whose identities
            are not the embedded ones; those are known.
    """
    is_embedded = has_embedded_identities(zoo)
    if zoo.manifest.identities:
        people = len(zoo.identities())
    else:  # classes stand for people who are not here
        people = max((entry.num_classes or 0 for entry in zoo.entries("target")), default=0)
    counts = {"identities": people, "train_images": zoo.manifest.train_images}
    data = EMBEDDED_DATA if is_embedded else UNSTATED_DATA
    if zoo.manifest.folder:
        data = FOLDER_DATA
    parts = [
        _metadata(zoo, people, is_embedded=is_embedded),
        HEAD,
        *(_row(entry) for entry in zoo.manifest.checkpoints),
        MEASURED.format(identities=people),
        _how_it_was_made(zoo),
        *map(_attributes, zoo.entries("attributes")),
        "\n## Data sheet\n\n",
        data_sheet.strip() + "\n" if data_sheet else data.format(**counts),
        TAIL.format(
            results=f"## Results\n\n{results}\n" if results else "",
            limits=EMBEDDED_LIMITS if is_embedded else "",
        ),
    ]
    return "".join(parts)


def has_embedded_identities(zoo: Zoo) -> bool:
    """Whether its people are the rendered ones, nobody's face."""
    known = {part.sha256 for part in open_zoo().manifest.identities}
    return {part.sha256 for part in zoo.manifest.identities} == known


def _metadata(zoo: Zoo, people: int, *, is_embedded: bool) -> str:
    """The YAML head. Strings are quoted as in JSON, which YAML reads alike."""
    tags = ["model-inversion", "label-smoothing", "privacy", "stylegan2"]
    lines = [
        "---",
        f"license: {'apache-2.0' if is_embedded else 'other'}",
        "library_name: mia-demo",
        "pipeline_tag: image-classification",
        f"tags: [{', '.join([*tags, 'synthetic-faces'] if is_embedded else tags)}]",
        "metrics: [accuracy]",
    ]
    measured = [entry for entry in zoo.entries("target") if entry.test_accuracy is not None]
    if measured:
        dataset = json.dumps(f"held-out images of {people} identities")
        lines += ["model-index:", "- name: mia-demo zoo", "  results:"]
    for entry in measured:
        name = json.dumps(f"Test accuracy of {entry.name}")
        lines += [
            "  - task: {type: image-classification, name: Identification of faces}",
            f"    dataset: {{type: mia-demo-identities, name: {dataset}}}",
            "    metrics:",
            f"    - {{type: accuracy, name: {name}, value: {entry.test_accuracy:.6f}}}",
        ]
    return "\n".join([*lines, "---", ""])


def _how_it_was_made(zoo: Zoo) -> str:
    """The whole story of a zoo of ``make-zoo``; of others no more than the manifest tells."""
    prior = next((entry.training for entry in zoo.entries("prior")), TrainingRecord())
    pool = next((entry.training for entry in zoo.entries("pool")), TrainingRecord())
    if prior.images_seen is None or prior.seconds is None or pool.styles is None:
        return MADE_ELSEWHERE
    return MADE_HERE.format(
        prior_images=prior.images_seen,
        prior_minutes=prior.seconds / 60,
        pool_styles=pool.styles,
    )


def _attributes(entry: CheckpointEntry) -> str:
    training = entry.training
    if not training.held_out_accuracy:
        return ""
    base_rate = training.held_out_base_rate
    accuracies = (
        f"{name} {accuracy:.1%} ({base_rate[name]:.1%})"
        for name, accuracy in training.held_out_accuracy.items()
        if accuracy is not None
    )
    return ATTRIBUTES.format(
        identities=training.identities,
        held_out=training.held_out_identities,
        accuracies=textwrap.fill(", ".join(accuracies), 96, subsequent_indent="  "),
    )


def _row(entry: CheckpointEntry) -> str:
    alpha = format_alpha(entry.alpha or 0.0) if entry.kind == "target" else ""
    measured = "" if entry.test_accuracy is None else f"{entry.test_accuracy:.2%}"
    epochs = "" if entry.epochs is None else str(entry.epochs)
    cells = (
        entry.name,
        entry.kind,
        entry.architecture,
        alpha,
        epochs,
        str(entry.seed),
        measured,
        f"{entry.stored.bytes:,}",
    )
    return "| " + " | ".join(cells) + " |\n"
