"""Checkpoint files: named tensors and a JSON header, in safetensors; nothing is ever unpickled.

One is written whole or not at all: a crash or a full disk leaves the earlier file as it was.
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.results.store.files import write_bytes_atomically
from effsearch.search_spaces.errors import InputError

if TYPE_CHECKING:
    from torch import Tensor

FORMAT = "effsearch/1"
# The entry of a safetensors file's metadata (text to text) that holds our header.
_ENTRY = "effsearch"


def save_checkpoint(path: Path, tensors: Mapping[str, "Tensor"], header: Mapping[str, Any]) -> None:
    """Write tensors, of any device and layout, and a header to `path`, replacing what was there.

    Args:
        path: in a folder that exists.
        tensors: their values are written; layout and device are not.
        header: plain JSON data without NaN; `format` is added.

    Raises:
        EffsearchError: the file cannot be written (full disk, read-only or missing folder); the
            earlier file is as it was.
        ValueError: the header is not JSON data.
    """
    import torch
    from safetensors.torch import save

    # Copied one by one: safetensors refuses tensors that share memory (tied or cut weights).
    plain = {
        name: tensor.detach().to("cpu", copy=True, memory_format=torch.contiguous_format)
        for name, tensor in tensors.items()
    }
    text = json.dumps({"format": FORMAT, **header}, allow_nan=False)
    write_bytes_atomically(path, save(plain, metadata={_ENTRY: text}))


def read_checkpoint(path: Path) -> tuple[dict[str, "Tensor"], dict[str, Any]]:
    """The tensors (on the CPU) and the header of a file that `save_checkpoint` wrote.

    Raises:
        InputError: there is no such file, it is cut off or damaged, it is not one of ours, or it
            holds pickled code, which is refused unread.
    """
    with _opened(path) as stored:
        header = _header(path, stored)
        return {name: stored.get_tensor(name) for name in stored.keys()}, header  # noqa: SIM118


def read_header(path: Path) -> dict[str, Any]:
    """The header alone, without reading the tensors.

    Raises:
        InputError: as `read_checkpoint`.
    """
    with _opened(path) as stored:
        return _header(path, stored)


def is_checkpoint(path: Path) -> bool:
    """Whether a file has a header of ours, sound or not."""
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="pt") as stored:
            return _ENTRY in (stored.metadata() or {})
    except (SafetensorError, OSError):
        return False


@contextmanager
def _opened(path: Path) -> Iterator[Any]:
    from safetensors import SafetensorError, safe_open

    from effsearch.training.models.weight_file import is_pickle  # imports torch

    if is_pickle(path):
        raise InputError(
            f"'{path}' holds pickled code, which is never run here: give a .safetensors file "
            "(weights alone of other tools: effsearch train --from)"
        )
    try:
        with safe_open(path, framework="pt") as stored:
            yield stored
    except (SafetensorError, OSError) as problem:
        reason = str(problem).splitlines()[0]
        raise InputError(f"'{path}' is cut off, damaged or not a checkpoint: {reason}") from None


def _header(path: Path, stored: Any) -> dict[str, Any]:
    text = (stored.metadata() or {}).get(_ENTRY)
    if text is None:
        raise InputError(f"'{path}' is a safetensors file, but not a checkpoint of effsearch")
    try:
        header = json.loads(text)
    except ValueError:
        header = None
    if not isinstance(header, dict):
        raise InputError(f"the header of '{path}' is damaged")
    if header.get("format") != FORMAT:
        raise InputError(
            f"'{path}' has the format '{header.get('format')}', and this effsearch reads '{FORMAT}'"
        )
    return header
