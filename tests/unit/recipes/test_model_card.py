"""The model card: the embedded zoo ships what is written today, other zoos tell less."""

from __future__ import annotations

from mia_demo.recipes.model_card import model_card
from mia_demo.recipes.record import recorded_sections
from mia_demo.zoo.reading import Zoo


def test_the_shipped_card_is_what_would_be_written(zoo: Zoo) -> None:
    shipped = (zoo.root / "README.md").read_text("utf-8")
    assert model_card(zoo, recorded_sections(zoo)) == shipped
