"""For whom the Hub is asked: with which token, into which cache, up to which size."""

from dataclasses import dataclass
from pathlib import Path

from huggingface_hub import HfApi, constants

from mia_demo.zoo.hub.client import hub

MAX_DOWNLOAD_BYTES = 4_000_000_000


@dataclass(frozen=True)
class HubAccess:
    """How zoos are fetched. The default is for whoever owns this machine.

    Attributes:
        folder: where files are kept; None is the client's own cache.
        is_anonymous: this machine's token stays out of it: a stranger sees what everybody sees.
        max_bytes: of one zoo.
    """

    folder: Path | None = None
    is_anonymous: bool = False
    max_bytes: int = MAX_DOWNLOAD_BYTES

    @property
    def cache(self) -> Path:
        return self.folder or Path(constants.HF_HUB_CACHE)

    def api(self) -> HfApi:
        return hub(is_anonymous=self.is_anonymous)

    def of_repo(self, repo: str) -> Path:
        """Where the client keeps a repository's files."""
        return self.cache / f"models--{repo.replace('/', '--')}"
