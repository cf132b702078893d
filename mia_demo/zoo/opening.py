"""A zoo from wherever it lies: the embedded one, another folder, or the Hub."""

import sys
from pathlib import Path

from tqdm import tqdm

from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from mia_demo.zoo.hub import DownloadProgress, open_hub_zoo
from mia_demo.zoo.hub.address import is_hub_address


def open_zoo(location: str | None = None) -> FolderZoo:
    """Opens a zoo; from the Hub, it prints the commit and, on a terminal, the progress.

    Args:
        location: folder, or ``hf://user/repo@revision``; None is the embedded zoo.

    Raises:
        CheckpointError: there is not a zoo.
        HubError: the Hub gives none.
    """
    if not location or not is_hub_address(location):
        return FolderZoo(Path(location) if location else EMBEDDED_ZOO)
    bar = tqdm(desc="download", unit="B", unit_scale=True, file=sys.stderr, disable=None)
    with bar:

        def show(progress: DownloadProgress) -> None:
            bar.total, bar.n = progress.total_bytes, progress.done_bytes
            bar.refresh()

        zoo = open_hub_zoo(location, show)
    sys.stderr.write(f"zoo: {zoo.origin}\n")  # which commit it is, for whoever gave a branch
    return zoo
