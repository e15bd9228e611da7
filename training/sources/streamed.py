"""Images that are read while they are trained on: worker processes decode the next batches."""

import os
from collections.abc import Iterator, Mapping, Sequence
from contextlib import nullcontext
from typing import TypeVar

import torch
from torch import Tensor
from torch.utils.data import DataLoader, Sampler

from effsearch.results.store.signals import leave_to_parent
from effsearch.search_spaces.errors import EffsearchError, InputError
from effsearch.training.data.images import ImageListing
from effsearch.training.data.skipping import skipped_notice, unreadable_image
from effsearch.training.sources.base import (
    Batches,
    EvaluationView,
    TrainView,
    evaluation_share,
)
from effsearch.training.sources.reading import (
    BatchReader,
    CentreCut,
    Delivery,
    Order,
    RandomCut,
)

# Batches each worker has ready ahead of the training.
_AHEAD = 2
_T = TypeVar("_T")


class StreamedSource:
    """A source whose pictures are decoded batch by batch, in worker processes or in this one.

    What a batch holds follows from its indices, its number and the seed alone, not from the
    workers. An unreadable image is left out of its batch, and another one of the batch is shown
    twice, so that batches keep their size.

    Args:
        parts: listings by name, of the same classes; those of `train`, `validation` and `test` that
            are asked for. Pictures can be read in any order.
        device: where batches are delivered.
        mean, std: float32 (3,), grey levels.
        own_side: shorter side of the images, in pixels.
        workers: processes that decode; 0 decodes in this one.
        skip_bad: leave unreadable images out and count them; else the first one is an error.
        notices: what the user should hear of the data.
    """

    def __init__(
        self,
        parts: Mapping[str, ImageListing],
        device: torch.device,
        *,
        mean: Tensor,
        std: Tensor,
        own_side: int,
        workers: int,
        skip_bad: bool = False,
        notices: Sequence[str] = (),
    ) -> None:
        self._parts = dict(parts)
        self._skip_bad = skip_bad
        self._bad: dict[str, str] = {}
        self._notices = tuple(notices)
        self._iteration = 0
        self._orders = _Orders()
        self._loader = _make_loader(BatchReader(self._parts), self._orders, device, workers)
        self.device = device
        self.labels = {part: listing.labels for part, listing in parts.items()}
        (self.class_names,) = {listing.class_names for listing in parts.values()}
        self.own_side = own_side
        self.mean, self.std = mean.to(device), std.to(device)

    @property
    def notices(self) -> tuple[str, ...]:
        """What the user should hear of the data, unreadable images met so far included."""
        return (*self._notices, *skipped_notice(list(self._bad.values())))

    def train_batches(self, batches: Sequence[Tensor], view: TrainView) -> Batches:
        """See `ImageSource.train_batches`."""

        def cut(number: int) -> CentreCut | RandomCut:
            if view.crop_scale == 1:
                return CentreCut(share=1.0)
            return RandomCut(smallest_share=view.crop_scale, seed=view.seed, number=number)

        orders = [
            Order(part="train", indices=batch.tolist(), resolution=view.resolution, cut=cut(number))
            for number, batch in enumerate(batches, view.first)
        ]
        for order, (images, labels) in zip(orders, self._deliveries(orders), strict=True):
            if not len(labels):
                raise InputError(f"no image of a batch can be read: {self._first_bad()}")
            if len(labels) < len(order.indices):
                shown = torch.arange(len(order.indices)) % len(labels)
                images, labels = images[shown], labels[shown]
            yield self._placed(images, labels)

    def evaluation_batches(self, part: str, view: EvaluationView) -> Batches:
        """See `ImageSource.evaluation_batches`."""
        cut = CentreCut(share=evaluation_share(self.own_side, view.resolution, view.crop_ratio))
        places = range(view.team.rank, len(self.labels.get(part, ())), view.team.size)
        orders = [
            Order(
                part=part,
                indices=places[start : start + view.batch_size],
                resolution=view.resolution,
                cut=cut,
            )
            for start in range(0, len(places), view.batch_size)
        ]
        for images, labels in self._deliveries(orders):
            if len(labels):
                yield self._placed(images, labels)

    def _deliveries(self, orders: list[Order]) -> Iterator[tuple[Tensor, Tensor]]:
        """What the workers make of the orders, in their order, bad images noted."""
        self._iteration += 1
        mine = self._iteration
        self._orders.pending = orders
        # The loader pins memory for torch's current device, which need not be this one.
        on_cuda = self.device.type == "cuda"
        with torch.cuda.device(self.device) if on_cuda else nullcontext():
            deliveries = iter(self._loader)
        for _ in orders:
            if self._iteration != mine:
                raise RuntimeError("batches of a source were asked for after a newer iteration")
            images, labels, bad = _next(deliveries)
            for where, error in bad:
                if not self._skip_bad:
                    raise unreadable_image(error)
                self._bad.setdefault(where, error)
            yield images, labels

    def _placed(self, images: Tensor, labels: Tensor) -> tuple[Tensor, Tensor]:
        images = images.to(self.device, non_blocking=True).permute(0, 3, 1, 2)
        return images, labels.to(self.device, non_blocking=True)

    def _first_bad(self) -> str:
        return next(iter(self._bad.values()))


def default_workers(processes: int = 1) -> int:
    """Decoding processes for one of so many trainings on this machine, one core left to each."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return min(16, max(1, (cores or 1) // processes - 1))


class _Orders(Sampler[Order]):
    """The batches of the iteration that is about to begin; the workers outlive many."""

    def __init__(self) -> None:
        self.pending: list[Order] = []

    def __iter__(self) -> Iterator[Order]:
        return iter(self.pending)


def _make_loader(
    reader: BatchReader, orders: _Orders, device: torch.device, workers: int
) -> DataLoader[Delivery]:
    return DataLoader(
        reader,
        sampler=orders,
        batch_size=None,  # a worker makes whole batches
        collate_fn=_as_it_is,
        num_workers=workers,
        persistent_workers=workers > 0,
        prefetch_factor=_AHEAD if workers else None,
        worker_init_fn=_leave_signals,
        pin_memory=device.type == "cuda",
        # Else it would draw from torch's own random state, which decides the augmentation.
        generator=torch.Generator(),
    )


def _leave_signals(_: int) -> None:
    """The training may finish its step when it is asked to stop, and needs its images for it."""
    leave_to_parent()


def _as_it_is(delivery: _T) -> _T:
    return delivery


def _next(deliveries: Iterator[Delivery]) -> Delivery:
    try:
        return next(deliveries)
    except RuntimeError as error:
        if "DataLoader worker" not in str(error):
            raise
        raise EffsearchError(
            "a process that decodes images was ended from outside, mostly for want of memory or "
            "of shared memory (/dev/shm): give fewer --loader-workers, or 0"
        ) from error
