"""Pictures of a listing that is read from front to back, copied into one file to be read anywhere.

Parquet gives a whole row group for one picture, which a shuffled training cannot pay. The file is
a cache: encoded pictures one after the other, and their offsets beside it.
"""

import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from io import BytesIO
from pathlib import Path
from tempfile import NamedTemporaryFile
from typing import TYPE_CHECKING

import numpy as np
import numpy.typing as npt
from PIL import Image

from effsearch.search_spaces.errors import InputError
from effsearch.training.data.images import ChosenPictures, ImageListing, Picture

if TYPE_CHECKING:
    from effsearch.training.data.parquet import ParquetPictures


@dataclass(frozen=True, kw_only=True, eq=False)
class PackedPictures:
    """Encoded pictures in one file; the i-th from ``offsets[i]`` to ``offsets[i + 1]``."""

    file: Path
    offsets: npt.NDArray[np.int64]
    source: "ParquetPictures"

    def __call__(self, indices: Sequence[int]) -> Iterator[tuple[str, Picture]]:
        """The pictures with these indices."""
        with self.file.open("rb") as stream:
            for i in indices:
                start, end = int(self.offsets[i]), int(self.offsets[i + 1])
                stream.seek(start)
                encoded = stream.read(end - start)
                yield self.source.place(i), BytesIO(encoded) if encoded else None


def readable_anywhere(listing: ImageListing, folder: Path | None = None) -> ImageListing:
    """The same listing, its pictures readable in any order; packed into the cache if need be.

    Args:
        folder: of the cache; None for `effsearch` in the user's (`XDG_CACHE_HOME`).

    Raises:
        InputError: the cache cannot be written, or a file of the data cannot be read.
    """
    from effsearch.training.data.parquet import ParquetPictures

    pictures = listing.pictures
    if isinstance(pictures, ChosenPictures) and isinstance(pictures.pictures, ParquetPictures):
        chosen = replace(pictures, pictures=pack(pictures.pictures, folder))
        return replace(listing, pictures=chosen, ascending=False)
    if isinstance(pictures, ParquetPictures):
        return replace(listing, pictures=pack(pictures, folder), ascending=False)
    return listing


def pack(pictures: "ParquetPictures", folder: Path | None = None) -> PackedPictures:
    """Pictures of parquet files in one file of the cache, written where it is not there.

    Arguments and errors as `readable_anywhere`.
    """
    folder = folder or cache_folder()
    files = [(str(file), file.stat().st_size, file.stat().st_mtime_ns) for file in pictures.files]
    digest = hashlib.sha256(repr((files, pictures.column)).encode()).hexdigest()[:16]
    data, index = folder / f"{digest}.pictures", folder / f"{digest}.npy"
    if not (data.is_file() and index.is_file()):
        try:
            folder.mkdir(parents=True, exist_ok=True)
            _write(pictures, data, index)
        except OSError as error:
            raise InputError(
                f"cannot keep pictures in {folder} ({error.strerror}): "
                "set XDG_CACHE_HOME to a folder with room for them"
            ) from error
    return PackedPictures(file=data, offsets=np.load(index, allow_pickle=False), source=pictures)


def _encoded(picture: Picture) -> bytes:
    """A file that Pillow reads as the same picture; nothing where it cannot be read."""
    if isinstance(picture, BytesIO):
        return picture.getvalue()
    if isinstance(picture, Path):
        return picture.read_bytes() if picture.is_file() else b""
    if not isinstance(picture, Image.Image):
        return b""
    stream = BytesIO()
    picture.save(stream, "TIFF")  # which keeps every depth
    return stream.getvalue()


def cache_folder() -> Path:
    """Where files lie that can be made again."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "effsearch"


def _write(pictures: "ParquetPictures", data: Path, index: Path) -> None:
    """Write both files under other names first: what has its name is whole."""
    offsets = [0]
    with NamedTemporaryFile(dir=data.parent, delete=False) as stream:
        unfinished = Path(f"{stream.name}.npy")
        try:
            for _, picture in pictures(range(pictures.starts[-1])):
                encoded = _encoded(picture)
                stream.write(encoded)
                offsets.append(offsets[-1] + len(encoded))
            stream.flush()
            np.save(unfinished, np.array(offsets, dtype=np.int64))
            Path(stream.name).rename(data)
            unfinished.rename(index)
        except BaseException:
            Path(stream.name).unlink(missing_ok=True)
            unfinished.unlink(missing_ok=True)
            raise
