"""The real images an export is checked on: of the model's own data, or the embedded digits."""

from pathlib import Path
from typing import TYPE_CHECKING

from effsearch.search_spaces.errors import EffsearchError
from effsearch.training.data.named_columns import ANY_COLUMNS
from effsearch.training.loop.pictures import model_input, sample_data
from effsearch.training.models.model_file import read_model_info

if TYPE_CHECKING:
    from torch import Tensor


def images_to_check(checkpoint: Path, data: str | None, count: int) -> tuple["Tensor", str]:
    """Images as the model sees them, and where they come from.

    Args:
        data: whose images; None for what the model was trained on, and for the digits where that
            cannot be read here.
        count: images, 1 or more.

    Returns:
        uint8 (N, 3, R, R) of the model's resolution, and a name.

    Raises:
        InputError: the checkpoint or the named data cannot be read.
    """
    info = read_model_info(checkpoint)
    source = data if data is not None else info.data_name
    try:
        columns = info.columns if data is None else ANY_COLUMNS
        samples = sample_data(source, count, columns=columns)
    except EffsearchError:
        if data is not None:
            raise
        samples = sample_data("digits", count)
        source = f"the digits ('{source}' cannot be read here)"
    return model_input(samples, info.resolution, info.crop_ratio), source
