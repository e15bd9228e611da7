"""The heat map that a finished grid leaves in its run directory."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from effsearch.results.store.files import write_bytes_atomically


def draw_heat_map(rows: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], path: Path) -> None:
    """Write the triples as a PNG; `effsearch.results.plots.heatmap` says what it shows.

    Args:
        rows: from `effsearch.gridsearch.answer.triple_rows`.
        answer: the content of `coefficients.json`.
        path: of the PNG.

    Raises:
        EffsearchError: the file cannot be written.
    """
    from effsearch.results.plots.files import figure_bytes
    from effsearch.results.plots.heatmap import surface
    from effsearch.results.plots.style import styled

    write_bytes_atomically(path, figure_bytes(styled(lambda: surface(rows, answer)), "png"))
