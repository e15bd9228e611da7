"""What an export came to: the file written, and how it was checked."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from effsearch.training.export.int8 import Compared


@dataclass(frozen=True, kw_only=True)
class Export:
    """A file that was written, and how it was checked.

    Attributes:
        path: the file.
        card: the model card beside it, Markdown.
        format: one of `FORMATS`.
        names: of the tensors in a safetensors file, one of `NAMES`.
        images: real images that the file was run on.
        images_from: the data they come from.
        largest_difference: of a logit between the file and torch on these images; in int8 that of
            the graph before it was quantised.
        timm: whether timm can load the network, in a sentence.
        int8: what the file reaches beside float32, where it is in int8.
    """

    path: Path
    card: Path
    format: str
    names: str
    images: int
    images_from: str
    largest_difference: float
    timm: str = ""
    int8: "Compared | None" = None
