"""What a plot is: its name, what it shows, and what draws it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from effsearch.results.conditions import of_answer
from effsearch.results.store.run_data import RunData

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from effsearch.results.plots.panel import Panel


Measured = Literal["search", "answer"]
"""By the trainings of a search, or by the longer ones that an answer may rest on."""


@dataclass(frozen=True)
class Plot:
    """A plot of a run.

    Attributes:
        name: on the command line and of its file.
        title, caption: in the report; the caption says in a sentence what is shown.
        draw: what draws it.
        panels: what it shows as data, where it can be had with hover texts too.
        also: a sentence more on what only some runs have; empty for the others.
        accuracy_of: whose accuracies it shows, those of the search or of its answer, or what tells
            that of a run; their conditions are said below it. Empty where it shows none.
    """

    name: str
    title: str
    caption: str
    draw: "Callable[[RunData], Figure]"
    panels: "Callable[[RunData], list[Panel]] | None" = None
    also: "Callable[[RunData], str] | None" = None
    accuracy_of: "Literal['', 'search', 'answer'] | Callable[[RunData], Measured]" = ""

    def explained(self, data: RunData) -> str:
        """The caption, what only some runs have, and how the accuracies were measured."""
        also = self.also(data) if self.also else ""
        return " ".join(filter(None, (self.caption, also, self.conditions(data))))

    def conditions(self, data: RunData) -> str:
        """How the accuracies that it shows were measured; empty where it shows none."""
        if not self.accuracy_of:
            return ""
        whose = self.accuracy_of(data) if callable(self.accuracy_of) else self.accuracy_of
        answer = data.answer if whose == "answer" else None
        said = of_answer(data.record, answer)
        return f"Accuracy {said}." if said else ""
