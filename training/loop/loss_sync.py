"""When a training looks at its loss: often enough to stop in time, rarely enough not to wait.

On a CUDA device each look waits for all steps before it, and then the device waits for us.
"""

import time

STEPS = 50
"""Steps from look to look where nobody watches."""

TEAM_STEPS = 10
"""Steps from look to look of workers, who must all stop at the same step: their clocks differ."""

SECONDS = 0.3
"""How often somebody who watches is told, where telling means to wait for the device."""


class Looks:
    """Decides after each step whether to look now.

    Args:
        steps: of the epoch.
        watched: somebody is to be told of steps.
        free: looking costs nothing, as on a CPU.
        team: there are other workers.
    """

    def __init__(self, steps: int, *, watched: bool, free: bool, team: bool) -> None:
        self._steps = steps
        self._watched, self._free, self._team = watched, free, team
        self._last = time.perf_counter()

    def due(self, step: int) -> bool:
        """Whether to look after a step of the epoch, counted from 1."""
        if self._team:
            return step % TEAM_STEPS == 0 or step == self._steps
        if step % STEPS == 0:
            return True
        if not self._watched:
            return False
        return self._free or step == self._steps or time.perf_counter() - self._last >= SECONDS

    def looked(self) -> float:
        """Remember that a look has ended; its time by `time.perf_counter`."""
        self._last = time.perf_counter()
        return self._last
