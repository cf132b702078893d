"""Uploads a zoo folder to the Hub with its recorded results and a model card."""

from pathlib import Path

from mia_demo.errors import CheckpointError
from mia_demo.recipes.model_card import CARD_FILE, model_card
from mia_demo.recipes.record import recorded_names, recorded_sections
from mia_demo.sweep.board import BOARD_FOLDER
from mia_demo.sweep.library import RECORDED_FOLDER
from mia_demo.zoo.hub.upload import Upload, upload
from mia_demo.zoo.manifest import MANIFEST
from mia_demo.zoo.reading import Zoo


def publish_zoo(zoo: Zoo, repo: str, *, private: bool, data_sheet: Path | None) -> Upload:
    """Uploads the manifest, the files it lists, recorded results and a newly written model card.

    Args:
        repo: ``user/name`` on the Hub.
        data_sheet: Markdown on where the identities' images come from; see ``model_card``.

    Raises:
        CheckpointError: the folder does not match its manifest, or its identities lie outside it.
        HubError: see ``mia_demo.zoo.hub.upload.upload``.
    """
    if not zoo.manifest.checkpoints:
        raise CheckpointError(f"The zoo {zoo.root} is empty; train or make something first.")
    if zoo.manifest.folder:
        raise CheckpointError(
            f"The identities of {zoo.root} lie outside it, in {zoo.manifest.folder.path}, and are "
            "not copied; publish a zoo that holds its identities, such as one of make-zoo."
        )
    try:
        sheet = data_sheet.read_text("utf-8") if data_sheet else None
    except (OSError, UnicodeDecodeError) as error:
        raise CheckpointError(f"The data sheet {data_sheet} cannot be read ({error}).") from error
    card = model_card(zoo, recorded_sections(zoo), sheet)
    files: dict[str, Path | bytes] = {CARD_FILE: card.encode(), MANIFEST: zoo.root / MANIFEST}
    files |= {stored.file: zoo.verified_path(stored) for stored in zoo.listed_files()}
    for name in (*recorded_names(zoo), BOARD_FOLDER):
        for path in sorted((zoo.root / RECORDED_FOLDER / name).glob("*")):
            if path.is_file() and not path.name.startswith("."):
                files[path.relative_to(zoo.root).as_posix()] = path
    return upload(repo, files, "Publish the zoo", private=private)
