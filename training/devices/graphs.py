"""Training passes that are captured once as a CUDA graph, and then replayed.

A small network on small images asks for more kernels than a processor can launch in the time that
they take. A graph launches all of a pass, forward and backward, at once.
"""

import gc
from collections.abc import Callable, Sequence
from functools import cache

import torch
from torch import Tensor, nn

from effsearch.search_spaces.errors import EffsearchError

WARM_UPS = 3
"""Passes before the capture: libraries choose their algorithms, and take memory, in the first."""

Pass = Callable[[Tensor, Tensor], Tensor]
"""From images and targets to the loss, without a gradient; gradients are added to parameters."""


class Replays:
    """Passes over batches of one shape, by a graph.

    What the host decided in the pass that was captured, such as the probability of dropout, stays
    as it was then. Random numbers are new in each replay, and those of an ordinary pass.
    """

    def __init__(
        self,
        replay: Callable[[], None],
        images: Tensor,
        targets: Tensor,
        loss: Tensor,
        gradients: Sequence[tuple[Tensor, Tensor]],
    ) -> None:
        self._replay = replay
        self._images, self._targets, self._loss = images, targets, loss
        self._gradients = gradients

    def __call__(self, images: Tensor, targets: Tensor) -> Tensor:
        """The loss of a batch; the parameters have its gradients alone, until the next call."""
        self._images.copy_(images)
        self._targets.copy_(targets)
        self._replay()
        for parameter, gradient in self._gradients:
            parameter.grad = gradient
        return self._loss.clone()


def captured(run: Pass, network: nn.Module, images: Tensor, targets: Tensor) -> Replays:
    """Capture a pass over batches like this one.

    The network is left as it was, without gradients, and so are its statistics and torch's random
    state.

    Args:
        run: a pass, without a cache of cast weights, which would outlive it.
        network: what it trains.
        images, targets: of one batch, on a CUDA device.

    Raises:
        OutOfMemoryError: it did not fit.
        EffsearchError: the pass does what cannot be captured.
    """
    images, targets = images.detach().clone(), targets.detach().clone()
    statistics = [(buffer, buffer.clone()) for buffer in network.buffers()]
    try:
        with torch.random.fork_rng(devices=[images.device]):
            replay, loss = record(lambda: run(images, targets), network, images.device)
    except RuntimeError as error:
        if (cause := _cause(error)) is error:
            raise
        raise cause from error
    with torch.no_grad():  # the passes that warm up have moved them
        for buffer, value in statistics:
            buffer.copy_(value)
    trained = [(one, one.grad) for one in network.parameters() if one.grad is not None]
    network.zero_grad(set_to_none=True)
    return Replays(replay, images, targets, loss, trained)


def record(
    run: Callable[[], Tensor], network: nn.Module, device: torch.device
) -> tuple[Callable[[], None], Tensor]:
    """What replays a pass, and its loss, which like the gradients each replay writes anew."""
    graph, side = torch.cuda.CUDAGraph(), _side_stream(device)
    with torch.cuda.device(device):
        here = torch.cuda.current_stream()
        side.wait_stream(here)
        with torch.cuda.stream(side):
            for _ in range(WARM_UPS):
                run()
                network.zero_grad(set_to_none=True)
        here.wait_stream(side)
        gc.collect()  # an old graph that is destroyed during a capture ends it
        # Other threads go on meanwhile: those that load images allocate memory to copy from.
        with torch.cuda.graph(graph, stream=side, capture_error_mode="thread_local"):
            loss = run()
    return graph.replay, loss


@cache
def _side_stream(device: torch.device) -> torch.cuda.Stream:
    """One for all captures: libraries keep memory for each stream that they have worked on."""
    return torch.cuda.Stream(device)  # type: ignore[no-untyped-call]


def _cause(error: RuntimeError) -> Exception:
    """What went wrong first: a capture that is broken off raises an error of its own."""
    found: BaseException | None = error
    while found is not None:
        if isinstance(found, torch.OutOfMemoryError):
            return found
        found = found.__context__
    (line, *_) = str(error).splitlines() or [type(error).__name__]
    return EffsearchError(
        f"this network's passes cannot be captured ({line}): train it with cuda_graph false"
    )
