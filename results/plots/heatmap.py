"""The surface of a grid over β and γ, the depth α following from them: modelled and measured."""

import math
from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from effsearch.results.formatting import NOTHING_YET
from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    PAPER,
    VERMILION,
    NothingToDrawError,
    new_figure,
)
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure

    Cells = Mapping[tuple[float, float], Mapping[str, Any]]

PUBLISHED = (1.1, 1.15)  # EfficientNet's β and γ
_MOST_LABELLED = 200


def draw_heatmap(data: RunData) -> "Figure":
    """The surface of a finished grid."""
    if not data.rows or not data.answer:
        raise NothingToDrawError(NOTHING_YET if not data.done else "the grid has not ended yet")
    return surface(data.rows, data.answer)


def surface(rows: Sequence[Mapping[str, Any]], answer: Mapping[str, Any]) -> "Figure":
    """One cell a pair of β and γ.

    α·β²·γ² ≈ 2 leaves few α to each; a cell shows the chosen triple, else the one of which most is
    expected. Its colour is the expected accuracy, that of the disc in it what was measured, both
    in the grid, where all networks were trained alike; what a longer training of the best came to
    is written below it. A run from before there was a model has the measured accuracy as colour.

    Args:
        rows: of the run's `trials.csv`.
        answer: the content of `coefficients.json`.
    """
    groups: dict[tuple[float, float], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["beta"], row["gamma"]].append(row)
    betas = sorted({beta for beta, _ in groups})
    gammas = sorted({gamma for _, gamma in groups})
    cells: dict[tuple[float, float], Mapping[str, Any]] = {}
    for place, group in groups.items():
        if measured := [row for row in group if row["accuracy"] is not None]:
            cells[place] = max(measured, key=_rank)
    side = min(0.62, 7.5 / max(len(betas), len(gammas)))
    figure = new_figure(1.9 + side * len(gammas), max(5.6, 2.2 + side * len(betas)))
    axes = figure.add_subplot()
    _draw_cells(axes, figure, cells, betas, gammas)
    handles = _draw_marks(axes, cells, betas, gammas, answer)
    figure.legend(handles=handles, loc="outside lower center", ncols=3, frameon=False)
    _mark_ticks(axes.set_xticks, betas)
    _mark_ticks(axes.set_yticks, gammas)
    axes.set_xlabel("β, growth of the width for each step of φ (no unit)")
    axes.set_ylabel("γ, growth of the resolution (no unit)")
    axes.grid(visible=False)
    grid = answer["grid"]
    axes.set_title(
        f"φ = {answer['phi']:g}: chosen α = {answer['alpha']:g}, β = {answer['beta']:g}, "
        f"γ = {answer['gamma']:g}\n{Path(str(answer['data']['name'])).name}, "
        f"{grid['triples']} triples, {grid['networks']} networks",
        fontsize=9.5,
    )
    return figure


def _rank(row: Mapping[str, Any]) -> tuple[bool, bool, float]:
    is_tied = bool(row["tied"]) and row.get("expected") is None
    return bool(row["chosen"]), is_tied, _shown(row)


def _shown(row: Mapping[str, Any]) -> float:
    """The expected accuracy, or what was measured where nothing is modelled."""
    expected = row.get("expected")
    return float(row["accuracy"] if expected is None else expected)


def _draw_cells(
    axes: "Axes",
    figure: "Figure",
    cells: "Cells",
    betas: Sequence[float],
    gammas: Sequence[float],
) -> None:
    numbers = [
        [100 * _shown(cells[place]) if (place := (beta, gamma)) in cells else math.nan
         for beta in betas]
        for gamma in gammas
    ]  # fmt: skip
    modelled = any(row.get("expected") is not None for row in cells.values())
    everything = [100 * row["accuracy"] for row in cells.values()] if modelled else []
    everything += [value for line in numbers for value in line if not math.isnan(value)]
    lowest, highest = min(everything), max(everything)
    image = axes.imshow(
        numbers, origin="lower", cmap="cividis", aspect="equal", interpolation="nearest",
        vmin=lowest, vmax=highest,
    )  # fmt: skip
    bar = figure.colorbar(image, ax=axes, shrink=0.8, aspect=30, pad=0.02)
    measured = "expected accuracy; disc: measured" if modelled else "accuracy"
    bar.set_label(f"{measured}, in the grid (%)")
    bar.outline.set_visible(False)
    if modelled:
        axes.scatter(
            [betas.index(beta) - 0.33 for beta, _ in cells],
            [gammas.index(gamma) + 0.33 for _, gamma in cells],
            c=[100 * row["accuracy"] for row in cells.values()],
            s=34, cmap="cividis", vmin=lowest, vmax=highest, edgecolors=PAPER, linewidths=0.8,
        )  # fmt: skip
    if len(cells) > _MOST_LABELLED:
        return
    middle = (lowest + highest) / 2
    for (beta, gamma), row in cells.items():
        longer = row.get("top_accuracy")
        text = f"{100 * _shown(row):.1f}\nα {row['alpha']:g}"
        axes.text(
            betas.index(beta),
            gammas.index(gamma),
            text if longer is None else f"{text}\n{100 * longer:.1f} long",
            ha="center",
            va="center",
            fontsize=6.5,
            color="white" if 100 * _shown(row) < middle else "black",
        )


def _draw_marks(
    axes: "Axes",
    cells: "Cells",
    betas: Sequence[float],
    gammas: Sequence[float],
    answer: Mapping[str, Any],
) -> list[Any]:
    """Frames for the chosen triple and the published one, a mark in the corner for ties."""
    from matplotlib.patches import Rectangle

    frames = [
        ((answer["beta"], answer["gamma"]), "solid", "chosen"),
        (PUBLISHED, "dashed", "EfficientNet's β and γ"),
    ]
    handles: list[Any] = []
    for place, style, label in frames:
        if place not in cells:
            continue
        corner = betas.index(place[0]) - 0.46, gammas.index(place[1]) - 0.46
        frame = Rectangle(
            corner, 0.92, 0.92, fill=False, edgecolor=VERMILION, linewidth=2.2, linestyle=style,
            label=label,
        )  # fmt: skip
        handles.append(axes.add_patch(frame))
    ties = [place for place, row in cells.items() if row["tied"]]
    if ties:
        handles += axes.plot(
            [betas.index(beta) + 0.36 for beta, _ in ties],
            [gammas.index(gamma) + 0.36 for _, gamma in ties],
            marker="D",
            markersize=6,
            color=BLUE,
            markeredgecolor=PAPER,
            markeredgewidth=0.8,
            linestyle="none",
            label="statistically tied with the best",
        )
    return handles


def _mark_ticks(set_ticks: Any, values: Sequence[float]) -> None:
    every = -(-len(values) // 12)
    places = range(0, len(values), every)
    set_ticks(list(places), [f"{values[place]:g}" for place in places])


HEATMAP = Plot(
    "heatmap",
    "The surface of the grid",
    "Accuracy over β and γ: a cell is what the model of the surface expects, its disc what was "
    "measured; each names its α. All were trained alike; what a longer training of the best came "
    "to is written below.",
    draw_heatmap,
    accuracy_of="search",
    is_wide=True,
)
