"""A training epoch by epoch: loss, accuracy, learning rate with resolution, images a second."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from effsearch.results.plots.plot import Plot
from effsearch.results.plots.style import (
    BLUE,
    FAINT,
    GREEN,
    ORANGE,
    PURPLE,
    SKY,
    VERMILION,
    NothingToDrawError,
    is_narrow,
    legend_above,
    new_figure,
)
from effsearch.results.store.kind_table import Row
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure


def draw_training(data: RunData) -> "Figure":
    """Four panels over the epochs; what was not measured is left out."""
    from matplotlib.ticker import MaxNLocator

    rows = data.rows
    if not rows:
        raise NothingToDrawError("no finished epochs yet")
    narrow = is_narrow()
    figure = new_figure(8.4 if narrow else 5.6)
    lines, columns = (4, 1) if narrow else (2, 2)
    loss, accuracy, rate, speed = figure.subplots(lines, columns, sharex=True).flatten()
    _draw(loss, rows, "train_loss", BLUE, "o", "training")
    _draw(loss, rows, "validation_loss", ORANGE, "s", "validation")
    loss.set_ylabel("loss (nats an image)")
    _draw(accuracy, rows, "top1", BLUE, "o", "top-1", 100)
    _draw(accuracy, rows, "top5", GREEN, "s", "top-5", 100)
    accuracy.set_ylabel("validation accuracy (%)")
    _mark_best(accuracy, data)
    _draw(rate, rows, "learning_rate", PURPLE, "o", "learning rate")
    rate.set_ylabel("learning rate, last step")
    _draw(speed, rows, "images_per_second", BLUE, "o", "images a second")
    speed.set_ylabel("training images a second")
    _draw_resolution(speed, rows)
    for axes in (loss, accuracy, rate, speed):
        axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        axes.tick_params(color=FAINT)
        axes.margins(x=0.03)
        if axes.get_legend_handles_labels()[0]:
            legend_above(axes, 3)
    for axes in (rate, speed):
        axes.set_ylim(0, 1.08 * axes.get_ylim()[1])
    for axes in (speed,) if narrow else (rate, speed):
        axes.set_xlabel("epoch")
    return figure


def _draw(
    axes: "Axes",
    rows: Sequence[Row],
    column: str,
    color: str,
    marker: str,
    label: str,
    factor: float = 1.0,
) -> None:
    known = [(row["epoch"], factor * row[column]) for row in rows if row[column] is not None]
    if not known:
        return
    axes.plot(
        *zip(*known, strict=True), color=color, linewidth=1.6, label=label,
        marker=marker if len(known) <= 40 else None, markersize=3.5,
    )  # fmt: skip


def _mark_best(axes: "Axes", data: RunData) -> None:
    """The epoch whose model is kept: of equal ones the first."""
    known = [row for row in data.rows if row["top1"] is not None]
    if not known:
        axes.text(0.5, 0.5, "nothing was held out", transform=axes.transAxes, ha="center",
                  color=FAINT)  # fmt: skip
        return
    best = max(known, key=lambda row: row["top1"])
    axes.plot(
        [best["epoch"]], [100 * best["top1"]], marker="*", markersize=12, color=VERMILION,
        linestyle="none", label=f"best: {100 * best['top1']:.1f}%",
    )  # fmt: skip


def _draw_resolution(axes: "Axes", rows: Sequence[Row]) -> None:
    """The pixels of the training images, on the right, where they change."""
    pixels = [row["resolution_px"] for row in rows]
    if len(set(pixels)) < 2:
        return
    right: Any = axes.twinx()
    right.step(
        [row["epoch"] for row in rows], pixels, where="mid", color=SKY, linewidth=1.2,
        linestyle="--", label="resolution",
    )  # fmt: skip
    right.set_ylabel("training images (pixels)")
    right.set_ylim(bottom=0)
    right.grid(visible=False)
    right.spines["right"].set_visible(True)
    axes.plot([], [], color=SKY, linestyle="--", label="resolution (right)")


TRAINING = Plot(
    "training",
    "The training, epoch by epoch",
    "Losses are means per image; with label smoothing or strong augmentation the training loss "
    "lies higher. The star is the epoch whose model is kept.",
    draw_training,
    accuracy_of="search",
)
