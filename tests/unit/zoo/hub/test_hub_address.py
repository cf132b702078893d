"""Addresses of zoos: what is one and what is not."""

from __future__ import annotations

import pytest

from mia_demo.errors import HubError
from mia_demo.zoo.hub import HubAddress

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize(
    ("text", "repo", "revision", "pinned"),
    [
        ("hf://ada/zoo", "ada/zoo", "main", False),
        ("hf://ada/zoo@v1.0", "ada/zoo", "v1.0", False),
        (" hf://A-da/my_zoo.v2@refs/pr/3 ", "A-da/my_zoo.v2", "refs/pr/3", False),
        (f"hf://ada/zoo@{COMMIT}", "ada/zoo", COMMIT, True),
    ],
)
def test_addresses_are_read(text: str, repo: str, revision: str, pinned: bool) -> None:
    address = HubAddress.parse(text)
    assert (address.repo, address.revision, address.is_pinned) == (repo, revision, pinned)
    assert HubAddress.parse(str(address)) == address


@pytest.mark.parametrize(
    "text",
    [
        "hf://zoo", "hf:/ada/zoo", "ada/zoo", "hf://ada/zoo/file", "hf://ada/zoo@", "hf://ada/zoo@a@b",
        "hf://../zoo", "hf://ada/..", "hf://ada/zoo@../../etc", "hf://ada/zoo@a//b", "hf://ada/a--b",
        "hf://ada/zoo@a b", "hf://ada/zoo?x=1", "hf://ada/zoo\nx", "hf://ädä/zoo", "hf://ada/zoo.git",
        "hf://" + "a" * 200 + "/zoo", "hf://datasets/ada/zoo", "https://huggingface.co/ada/zoo",
    ],
)  # fmt: skip
def test_anything_else_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(HubError, match="write hf://user/repo or hf://user/repo@revision"):
        HubAddress.parse(text)
