"""The picture that a finished comparison leaves in its run directory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from effsearch.results.store.files import write_bytes_atomically


def draw_comparison(
    rows: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], path: Path
) -> None:
    """Write the methods as a PNG; `effsearch.results.plots.comparison` says what it shows.

    Args:
        rows: from `effsearch.gridsearch.compare_scaling.answer.make_rows`.
        answer: the content of `comparison.json`.
        path: of the PNG.

    Raises:
        EffsearchError: the file cannot be written.
    """
    from effsearch.results.plots.comparison import methods
    from effsearch.results.plots.files import figure_bytes
    from effsearch.results.plots.style import styled

    write_bytes_atomically(path, figure_bytes(styled(lambda: methods(rows, answer)), "png"))
