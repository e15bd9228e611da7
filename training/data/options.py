"""Options on images that every command shares which reads them."""

from typing import Annotated

from effsearch.results.config import Option

_DATA = "Data"

MaxImages = Annotated[int | None, Option("Random sample of the training images.", _DATA, "all")]
SkipBad = Annotated[bool, Option("Unreadable images left out, and counted.", _DATA)]
ImageColumn = Annotated[
    str | None,
    Option("Column of the images in a table (parquet, hf:).", _DATA, "by its type and name"),
]
LabelColumn = Annotated[
    str | None, Option("Column of the classes in a table.", _DATA, "by its type and name")
]
