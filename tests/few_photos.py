"""The embedded zoo with few photos, for tests in which it does not matter how many there are."""

from __future__ import annotations

import shutil
import zipfile
from pathlib import Path

from mia_demo.zoo.folder import EMBEDDED_ZOO, FolderZoo
from mia_demo.zoo.manifest import MANIFEST

TRAIN_PHOTOS = 48  # of each person, as they are


def zoo_of_few_photos(folder: Path, train_photos: int = TRAIN_PHOTOS) -> FolderZoo:
    """With one test photo of each person instead of twelve."""
    folder.mkdir(parents=True)
    for path in EMBEDDED_ZOO.iterdir():
        if path.name != MANIFEST and path.suffix != ".zip":
            (folder / path.name).symlink_to(path)
    shutil.copy(EMBEDDED_ZOO / MANIFEST, folder)
    with zipfile.ZipFile(folder / "few.zip", "w") as few:
        for part in sorted(EMBEDDED_ZOO.glob("identities_*.zip")):
            with zipfile.ZipFile(part) as whole:
                for name in whole.namelist():
                    photo = Path(name).stem
                    if not photo.isdigit() or int(photo) <= train_photos:
                        few.writestr(name, whole.read(name))
    zoo = FolderZoo(folder)
    zoo.set_identities(["few.zip"], train_photos)
    return zoo
