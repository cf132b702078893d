"""The zoo's model card, written from its manifest so that figures cannot drift apart."""

from __future__ import annotations

import textwrap

from mia_demo.files import write_bytes
from mia_demo.smoothing import format_alpha
from mia_demo.zoo import CheckpointEntry, Zoo

CARD_FILE = "README.md"

HEAD = """---
license: apache-2.0
library_name: mia-demo
tags: [model-inversion, label-smoothing, privacy, synthetic-faces, stylegan2]
---

# Zoo of the label-smoothing demo

Networks of the demo for "Be Careful What You Smooth For: Label Smoothing Can Be a Privacy Shield
but Also a Catalyst for Model Inversion Attacks" (ICLR 2024). Every file is listed in
`manifest.json` with size and sha256; weights are safetensors, nothing is pickled.

## What is in it

| checkpoint | kind | architecture | α | epochs | seed | measured | bytes |
|---|---|---|---|---|---|---|---|
"""

TAIL = """
*Measured*: test accuracy on the held-out images of the same {identities} identities (targets,
evaluator); share of held-out public faces whose nearest gallery identity is the right one
(embedder); mean over the attributes of the share read right off held-out public faces (attributes).

## How it was made

One command makes all of it again, resumable: `python -m mia_demo make-zoo --data DIR`, with
`target.zip` and `public_*.zip` in `DIR`. Recipes stand in the manifest under `training`.

- **positive, zero, negative**: same network, seed, data and schedule; only α differs. Negative
  smoothing is phased in: α = 0 for half of the epochs, a ramp to α/2, full α from three quarters
  on, where the learning rate drops.
- **evaluator**: another architecture, same identities. It judges attacks; it is never attacked.
- **embedder**: trained on public identities only, with cosine logits; the second judge.
- **prior**: StyleGAN2 trained on public identities only ({prior_images:,} images seen in
  {prior_minutes:.0f} minutes of computing), non-saturating loss with R1, weight average, light
  augmentation, started as a variational autoencoder. Stored in float16, noise inputs off.
- **pool**: {pool_styles} styles of the prior and the targets' confidences in them, so that an
  attack finds its start candidates by lookup.
{attributes}
## Data

`identities_*.zip`: {identities} synthetic identities, {train_images} training images each and the
rest for the test, 128 px renders under CC0. Nobody's face: they were made with MakeHuman, skins
blended and rendered from random parameters. `identities.json` in there holds each identity's true
attributes. The public identities (prior, embedder, attribute heads) are disjoint from them and not
included.

{results}## Limits and intended use

For teaching and for research on privacy. Identities here are easier to tell apart than real
people (20 base skins, 10 hair styles): accuracies must not be compared with those on FaceScrub or
CelebA. Do not train on real people's photos without their consent.
"""

ATTRIBUTES = """- **attributes**: one small network with a head for each attribute, trained on
  {identities:,} public identities; it says what a reconstruction shows. Read right on images of
  {held_out} held-out ones (in brackets: always the commonest value):
  {accuracies}.
"""


def write_model_card(zoo: Zoo, results: str = "") -> None:
    """Writes ``README.md`` beside the manifest.

    Args:
        results: recorded results of attacks, in Markdown.
    """
    rows = "".join(_row(entry) for entry in zoo.manifest.checkpoints)
    prior = zoo.entry("prior").training
    tail = TAIL.format(
        identities=len(zoo.identities()),
        train_images=zoo.manifest.train_images,
        prior_images=prior["images_seen"],
        prior_minutes=prior["seconds"] / 60,
        attributes="".join(map(_attributes, zoo.entries("attributes"))),
        pool_styles=zoo.entry("pool").training["styles"],
        results=f"## Results\n\n{results}\n" if results else "",
    )
    write_bytes(zoo.root / CARD_FILE, (HEAD + rows + tail).encode())


def _attributes(entry: CheckpointEntry) -> str:
    training = entry.training
    base_rate = training["held_out_base_rate"]
    accuracies = (
        f"{name} {accuracy:.1%} ({base_rate[name]:.1%})"
        for name, accuracy in training["held_out_accuracy"].items()
        if accuracy is not None
    )
    return ATTRIBUTES.format(
        identities=training["identities"],
        held_out=training["held_out_identities"],
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
