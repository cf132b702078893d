"""Where a zoo lies on the Hub: ``hf://user/repo@revision``."""

from __future__ import annotations

import re
from dataclasses import dataclass

from mia_demo.errors import HubError

# What the Hub allows in names and git in revisions, less what a path or a page could trip over.
_NAME = r"[A-Za-z0-9](?:[A-Za-z0-9._-]{0,94}[A-Za-z0-9_])?"
_REVISION = r"[A-Za-z0-9](?:[A-Za-z0-9._/-]{0,126}[A-Za-z0-9_-])?"
_REPO = re.compile(rf"{_NAME}/{_NAME}")
_ADDRESS = re.compile(rf"hf://({_NAME}/{_NAME})(?:@({_REVISION}))?")
_COMMIT = re.compile(r"[0-9a-f]{40}")
_NEVER = ("--", "..", "//", ".git", ".lock")


def is_hub_address(location: str) -> bool:
    """Whether this is meant to be an address of the Hub, not a folder."""
    return location.strip().startswith("hf:")


@dataclass(frozen=True)
class HubAddress:
    """A zoo on the Hub.

    Attributes:
        repo: ``user/repo``.
        revision: branch, tag, or commit in 40 hex digits.
    """

    repo: str
    revision: str = "main"

    @staticmethod
    def parse(text: str) -> HubAddress:
        """Reads ``hf://user/repo`` or ``hf://user/repo@revision``.

        Raises:
            HubError: anything else.
        """
        text = text.strip()
        match = _ADDRESS.fullmatch(text)
        if not match or any(mark in text.removeprefix("hf://") for mark in _NEVER):
            raise HubError(
                f"{text!r} is not an address of a zoo on the Hub; write hf://user/repo or "
                "hf://user/repo@revision, where a revision is a branch, a tag or a commit."
            )
        return HubAddress(match[1], match[2] or "main")

    @property
    def is_pinned(self) -> bool:
        """Whether the revision names one commit for good."""
        return _COMMIT.fullmatch(self.revision) is not None

    def at(self, commit: str) -> HubAddress:
        """The same repository at a commit."""
        return HubAddress(self.repo, commit)

    def __str__(self) -> str:
        return f"hf://{self.repo}@{self.revision}"


def parse_repo(text: str) -> str:
    """Checks ``user/repo``.

    Raises:
        HubError: it is none.
    """
    if not _REPO.fullmatch(text) or any(mark in text for mark in _NEVER):
        raise HubError(f"{text!r} is not a valid name of a Hub repository; write user/name.")
    return text
