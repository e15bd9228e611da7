"""A benchmark as a picture: the incumbent's reward over evaluations, with intervals."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from effsearch.nas.bench.leaderboard import grouped
from effsearch.nas.bench.runner import Trace
from effsearch.results.plots.strategies import draw_rewards
from effsearch.results.plots.style import styled

if TYPE_CHECKING:
    from matplotlib.figure import Figure


def draw(traces: Sequence[Trace], best: float | None) -> "Figure":
    """Means over the seeds with their 95% intervals; `best` is drawn where it is known."""
    rewards = {name: [one.rewards for one in runs] for name, runs in grouped(traces).items()}
    return styled(lambda: draw_rewards(rewards, best))
