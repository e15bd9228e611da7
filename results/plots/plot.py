"""What a plot is: its name, what it shows, and what draws it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Plot:
    """A plot of a run.

    Attributes:
        name: on the command line and of its file.
        title, caption: in the report; the caption says in a sentence what is shown.
        draw: what draws it.
        is_wide: the report gives it more room.
    """

    name: str
    title: str
    caption: str
    draw: "Callable[[RunData], Figure]"
    is_wide: bool = False
