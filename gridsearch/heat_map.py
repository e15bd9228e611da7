"""The heat map of a grid: accuracy over β and γ, the depth α following from them."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

PAPER = (1.1, 1.15)
_MOST_LABELLED = 200


def draw_heat_map(rows: Sequence[Mapping[str, Any]], answer: Mapping[str, Any], path: Path) -> None:
    """Draw the triples of `trials.csv` as a PNG.

    A cell is the best triple with its β and γ, or the chosen one: α·β²·γ² ≈ 2 leaves few α to each.
    The chosen triple is framed; the paper's β and γ, where the grid holds them, with dashes.

    Args:
        rows: from `gridsearch.answer.triple_rows`.
        answer: the content of `coefficients.json`.
        path: of the PNG.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure
    from matplotlib.patches import Rectangle

    cells: dict[tuple[float, float], list[Mapping[str, Any]]] = defaultdict(list)
    for row in rows:
        cells[row["beta"], row["gamma"]].append(row)
    betas = sorted({beta for beta, _ in cells})
    gammas = sorted({gamma for _, gamma in cells})
    best = {place: _best(group) for place, group in cells.items()}
    values = [
        [_percent(best.get((beta, gamma))) for beta in betas] for gamma in gammas
    ]  # (γ, β), NaN where there is no triple
    side = min(0.75, 8 / max(len(betas), len(gammas)))
    size = (max(5.6, 2.8 + side * len(betas)), 2.0 + side * len(gammas))
    figure = Figure(figsize=size, dpi=130, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.add_subplot()
    image = axes.imshow(values, origin="lower", cmap="viridis", aspect="equal")
    if len(cells) <= _MOST_LABELLED:
        _label(axes, image, best, betas, gammas)
    _mark_ticks(axes.set_xticks, betas)
    _mark_ticks(axes.set_yticks, gammas)
    axes.set_xlabel("β (width)")
    axes.set_ylabel("γ (resolution)")
    chosen = answer["alpha"], answer["beta"], answer["gamma"]
    frames = [((chosen[1], chosen[2]), "solid", "chosen")]
    if PAPER in best:
        frames.append((PAPER, "dashed", "EfficientNet's"))
    handles = []
    for (beta, gamma), style, label in frames:
        corner = betas.index(beta) - 0.5, gammas.index(gamma) - 0.5
        frame = Rectangle(
            corner, 1, 1, fill=False, edgecolor="red", linewidth=2.5, linestyle=style, label=label
        )
        handles.append(axes.add_patch(frame))
    figure.legend(handles=handles, loc="outside lower center", ncols=2, frameon=False, fontsize=9)
    figure.suptitle(
        f"φ = {answer['phi']:g}: chosen α = {chosen[0]:g}, β = {chosen[1]:g}, γ = {chosen[2]:g}\n"
        f"{Path(answer['data']['name']).name}, {answer['grid']['triples']} triples, "
        f"{answer['grid']['networks']} networks",
        fontsize=10,
    )
    figure.colorbar(image, ax=axes, label="accuracy of the best α, %", shrink=0.9, pad=0.02)
    figure.savefig(path)


def _best(group: Sequence[Mapping[str, Any]]) -> Mapping[str, Any] | None:
    measured = [row for row in group if row["accuracy"] is not None]
    return max(measured, key=lambda row: (row["chosen"], _accuracy(row)), default=None)


def _accuracy(row: Mapping[str, Any]) -> float:
    return float(row["accuracy"] if row["top_accuracy"] is None else row["top_accuracy"])


def _percent(row: Mapping[str, Any] | None) -> float:
    return float("nan") if row is None else 100 * _accuracy(row)


def _label(
    axes: Any,
    image: Any,
    best: Mapping[tuple[float, float], Mapping[str, Any] | None],
    betas: Sequence[float],
    gammas: Sequence[float],
) -> None:
    for (beta, gamma), row in best.items():
        if row is None:
            continue
        dark = image.norm(_percent(row)) < 0.55
        axes.text(
            betas.index(beta),
            gammas.index(gamma),
            f"{_percent(row):.1f}\nα {row['alpha']:g}",
            ha="center",
            va="center",
            fontsize=7,
            color="white" if dark else "black",
        )


def _mark_ticks(set_ticks: Any, values: Sequence[float]) -> None:
    every = -(-len(values) // 12)
    places = range(0, len(values), every)
    set_ticks(list(places), [f"{values[place]:g}" for place in places])
