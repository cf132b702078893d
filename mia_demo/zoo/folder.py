"""A zoo in a folder: the only place that writes checkpoints.

The folder has ``manifest.json``, a safetensors file per checkpoint, and the target identities as
zip parts.
"""

from __future__ import annotations

import shutil
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

from mia_demo.data.identities import IdentitySet
from mia_demo.data.splits import Items, fixed_split
from mia_demo.errors import CheckpointError
from mia_demo.system.files import replacing, sha256_of, write_json
from mia_demo.system.tensor_files import as_kept, write_tensors
from mia_demo.zoo.identity_folder import IdentityFolder, open_folder
from mia_demo.zoo.manifest import (
    MANIFEST,
    CheckpointEntry,
    Manifest,
    StoredFile,
    library_versions,
    read_manifest,
)
from mia_demo.zoo.reading import Zoo

EMBEDDED_ZOO = Path(__file__).resolve().parents[2] / "checkpoints"


class FolderZoo(Zoo):
    """A folder of checkpoints with a manifest.

    Args:
        root: the folder.
        origin: address of a zoo from the Hub, with its commit; None for a folder of one's own.

    Raises:
        CheckpointError: no manifest, or one this version does not understand.
    """

    def __init__(self, root: Path, origin: str | None = None) -> None:
        self.root = root
        self.origin = origin
        self._manifest = read_manifest(root)

    @staticmethod
    def create(root: Path) -> FolderZoo:
        """Opens the zoo in ``root``, made empty if there is none."""
        if not (root / MANIFEST).exists():
            write_json(root / MANIFEST, Manifest().to_json())
        return FolderZoo(root)

    @property
    def manifest(self) -> Manifest:
        return self._manifest

    def verified_path(self, stored: StoredFile) -> Path:
        path = self.root / stored.file
        shown, remedy = str(path), "restore it (git checkout, or download again) or run make-zoo."
        if self.origin:
            shown = stored.file
            remedy = f"open {self.origin} again, then it is downloaded anew."
        if not path.is_file():
            raise CheckpointError(f"{shown} is missing; {remedy}")
        if path.stat().st_size != stored.bytes or sha256_of(path) != stored.sha256:
            raise CheckpointError(f"{shown} differs from its manifest entry; {remedy}")
        return path

    def split_items(self, identities: IdentitySet) -> dict[str, Items]:
        if self.manifest.folder:
            whole = open_folder(self.manifest.folder)
            return {"train": whole.train, "test": whole.test}
        train, test = fixed_split(identities, self.manifest.train_images)
        return {"train": train, "test": test}

    # -- writing ------------------------------------------------------------------------------

    def add(
        self, entry: CheckpointEntry, tensors: Mapping[str, Tensor], dtype: torch.dtype
    ) -> None:
        """Writes a checkpoint and its manifest entry, replacing one of the same name.

        ``entry.stored`` and ``entry.versions`` are filled in here.

        Args:
            dtype: of the file's floating-point numbers; see ``as_kept``.
        """
        file = f"{entry.name}.safetensors"
        whole = {
            key: as_kept(tensor.detach(), dtype).cpu().contiguous()
            for key, tensor in tensors.items()
        }
        write_tensors(self.root / file, whole)
        self._put(replace(entry, stored=self._stored(file), versions=library_versions()))

    def adopt(self, source: Zoo, entry: CheckpointEntry, name: str) -> None:
        """Takes over a checkpoint of another zoo under ``name``."""
        self.take(source.verified_path(entry.stored), entry, name)

    def take(self, path: Path, entry: CheckpointEntry, name: str) -> None:
        """Takes over a verified file under ``name``, byte by byte."""
        stored = replace(entry.stored, file=f"{name}.safetensors")
        with replacing(self.root / stored.file) as temporary:
            shutil.copyfile(path, temporary)
        self._put(replace(entry, name=name, stored=stored))

    def adopt_identities(self, source: Zoo) -> None:
        """Takes over the identities of another zoo."""
        for part in source.manifest.identities:
            with replacing(self.root / part.file) as temporary:
                shutil.copyfile(source.verified_path(part), temporary)
        manifest = source.manifest
        self._change(
            identities=manifest.identities,
            train_images=manifest.train_images,
            folder=manifest.folder,
        )

    def remove(self, name: str) -> None:
        """Deletes a checkpoint.

        Raises:
            CheckpointError: there is none of this name.
        """
        gone = self.entry(name)
        self._change(checkpoints=self._without(name))
        (self.root / gone.stored.file).unlink(missing_ok=True)

    def set_identities(self, files: list[str], train_images: int) -> None:
        """Registers zip parts that lie in the folder already."""
        parts = [self._stored(file) for file in files]
        self._change(identities=parts, train_images=train_images)

    def set_folder(self, folder: IdentityFolder) -> None:
        """Says where the identities lie, or where they have moved to.

        Raises:
            CheckpointError: the zoo holds identities itself.
        """
        if self.manifest.identities:
            raise CheckpointError(
                f"The zoo {self.root} holds identities of its own; choose another folder."
            )
        self._change(folder=folder)

    def _put(self, entry: CheckpointEntry) -> None:
        self._change(checkpoints=[*self._without(entry.name), entry])

    def _without(self, name: str) -> list[CheckpointEntry]:
        """The other checkpoints, among them those that another process has added meanwhile."""
        return [e for e in read_manifest(self.root).checkpoints if e.name != name]

    def _stored(self, file: str) -> StoredFile:
        path = self.root / file
        return StoredFile(file, path.stat().st_size, sha256_of(path))

    def _change(self, **changes: Any) -> None:
        """Writes the manifest as it is on disk by now, with these fields changed."""
        manifest = replace(read_manifest(self.root), **changes)
        write_json(self.root / MANIFEST, manifest.to_json())
        self._manifest = manifest
