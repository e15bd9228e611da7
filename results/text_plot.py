"""Points as characters, for the terminal."""

from collections.abc import Sequence

WIDTH, HEIGHT = 64, 12


def plot_text(points: Sequence[Sequence[float]], marked: Sequence[Sequence[float]]) -> list[str]:
    """Points as `.` and marked ones as `o` over an axis, the largest y on top."""
    x_low, x_high = min(x for x, _ in points), max(x for x, _ in points)
    y_low, y_high = min(y for _, y in points), max(y for _, y in points)
    rows = [[" "] * WIDTH for _ in range(HEIGHT)]
    for sign, group in ((".", points), ("o", marked)):
        for x, y in group:
            column = round((x - x_low) / ((x_high - x_low) or 1) * (WIDTH - 1))
            row = round((y - y_low) / ((y_high - y_low) or 1) * (HEIGHT - 1))
            rows[HEIGHT - 1 - row][column] = sign
    labels = {0: f"{y_high:.4f}", HEIGHT - 1: f"{y_low:.4f}"}
    lines = [f"{labels.get(place, ''):>7} |{''.join(row)}" for place, row in enumerate(rows)]
    return [*lines, " " * 8 + "+" + "-" * WIDTH]


def x_labels(left: str, right: str) -> str:
    """The line below an axis: its two ends."""
    return " " * 9 + left + right.rjust(WIDTH - len(left))
