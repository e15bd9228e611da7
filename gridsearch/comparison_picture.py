"""The picture that a finished comparison leaves in its run directory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from results.files import write_bytes_atomically


def draw_comparison(
    rows: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], path: Path
) -> None:
    """Write the methods as a PNG; `results.plots.comparison` says what it shows.

    Args:
        rows: from `gridsearch.comparison_answer.make_rows`.
        answer: the content of `comparison.json`.
        path: of the PNG.

    Raises:
        EffsearchError: the file cannot be written.
    """
    from results.plots.comparison import methods
    from results.plots.files import figure_bytes
    from results.plots.registry import styled

    write_bytes_atomically(path, figure_bytes(styled(lambda: methods(rows, answer)), "png"))
