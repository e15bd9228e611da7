"""A budget of time, from which what follows is kept back: the finalists, the references.

The clock starts with the command. Once a budget is spent no further training is started, and those
under way end: it is kept to within the length of one training. How long later trainings take is
estimated from those that have ended.
"""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from effsearch.search_spaces.errors import InputError, MissingResourceError

NO_GPU = "gpu_hours count the GPUs of the trainings, and there are none here: give --time-budget"


@dataclass(frozen=True, kw_only=True)
class Later:
    """Trainings that follow, for which time is kept back.

    Attributes:
        trainings: how many.
        times: as long as one that has been timed, by its epochs.
        macs: multiply-adds of the network; None for those of the networks that have been timed.
    """

    trainings: int
    times: float = 1.0
    macs: float | None = None


class Budget:
    """Time that a command may take.

    Args:
        seconds: of wall clock; None for no limit.
        gpu_hours: wall clock times the GPUs of all trainings at a time; None for no limit.
        clock: seconds that never go back.
    """

    def __init__(
        self,
        *,
        seconds: float | None = None,
        gpu_hours: float | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._clock, self._start = clock, clock()
        self._seconds, self._gpu_hours = seconds, gpu_hours
        self._workers = 1
        self._timed: list[tuple[float, float]] = []  # seconds, multiply-adds
        self._later: Sequence[Later] = ()
        self._times = 1.0
        self._spent = False

    def use(self, workers: int, gpus_per_trial: float) -> None:
        """Say what the trainings have at a time, once that is known.

        Raises:
            MissingResourceError: GPU hours are counted and no GPU is used.
        """
        self._workers = workers
        if self._gpu_hours is None:
            return
        gpus = workers * gpus_per_trial
        if not gpus:
            raise MissingResourceError(NO_GPU)
        limits = [3600 * self._gpu_hours / gpus, *([self._seconds] if self._seconds else [])]
        self._seconds = min(limits)

    def note(self, seconds: float, macs: float) -> None:
        """Take in how long a whole training took, and of how many multiply-adds its network is."""
        if seconds > 0:
            self._timed.append((seconds / self._times, macs))

    def begin(self, later: Sequence[Later] = (), times: float = 1.0) -> None:
        """Begin a stage, before its queue is made.

        Args:
            later: what follows it, for which it leaves time.
            times: how much longer its own trainings are.
        """
        self._later, self._times, self._spent = later, times, False

    def left_out(self, left: int, wanted: int, what: str) -> str:
        """A line on trainings for which there was no time; empty where there are none."""
        if not left:
            return ""
        return (
            f"time budget spent after {self.elapsed:.0f} s: {left} of {wanted} trainings of {what} "
            "were not begun; --resume continues"
        )

    @property
    def elapsed(self) -> float:
        """Seconds since the clock was started."""
        return self._clock() - self._start

    @property
    def reserved(self) -> float:
        """Seconds that are kept back; 0 as long as no training has ended."""
        if not self._timed:
            return 0.0
        count = len(self._timed)
        seconds = sum(seconds for seconds, _ in self._timed) / count
        macs = sum(macs for _, macs in self._timed) / count
        return sum(
            math.ceil(one.trainings / self._workers) * one.times * seconds * _size(one, macs)
            for one in self._later
        )

    @property
    def spent(self) -> bool:
        """Whether nothing more is started in this stage; once so, it stays."""
        if self._seconds is not None and not self._spent:
            self._spent = self.elapsed + self.reserved >= self._seconds
        return self._spent


def _size(later: Later, macs: float) -> float:
    """How much longer a larger network takes; smaller ones gain little on small images."""
    return 1.0 if later.macs is None or not macs else max(1.0, later.macs / macs)


def start_budget(
    time_budget: float | None, gpu_hours: float | None, *, device: str, ray_address: str | None
) -> Budget:
    """A budget whose clock starts now.

    Args:
        time_budget: seconds.
        gpu_hours: counted where there are GPUs; a cluster is asked for them once it is joined.
        device, ray_address: of the trainings.

    Raises:
        InputError: no time at all.
        MissingResourceError: GPU hours, and the trainings have no GPU here.
    """
    _check_gpu_hours(gpu_hours, device, ray_address)
    return Budget(seconds=time_budget, gpu_hours=gpu_hours)


def _check_gpu_hours(gpu_hours: float | None, device: str, ray_address: str | None) -> None:
    if gpu_hours is not None and gpu_hours <= 0:
        raise InputError(f"gpu_hours must be more than zero, not {gpu_hours:g}")
    if gpu_hours is None or ray_address:
        return
    import torch

    if device == "cpu" or not torch.cuda.device_count():
        raise MissingResourceError(NO_GPU)
