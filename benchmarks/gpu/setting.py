"""How large the legs' measurements are: on a card, and in miniature where they are rehearsed."""

from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any


@dataclass(frozen=True, kw_only=True)
class Setting:
    """Sizes of all legs.

    Attributes:
        device: `cuda` or `cpu`.
        data: name or folder of the images; of a folder only the last part is written.
        images: sample of the training part; None for all.
        pixels: side of the images.
        batch_size: images a batch.
        epochs, final_epochs: of a search's training, and of a finalist's.
        at_once: trainings that share the device.
        networks: trained in a search.
        finalists, seeds: of a search.
        grid_step: of the coefficients, in hundredths.
        grid_seeds, compare_seeds: trainings of each network.
        budgets: of the comparison, as factors of the baseline's multiply-adds.
        schedule_seconds: of each training of `final`.
        in_table, unseen: networks of `latency`; 0 layers are measured beyond what they have.
        latency_pixels: their resolution; None for their own.
        published: trained beside what was searched.
    """

    device: str
    data: str
    images: int | None = None
    pixels: int = 32
    batch_size: int = 512
    epochs: int = 6
    final_epochs: int = 16
    at_once: int = 8
    networks: int = 48
    finalists: int = 3
    seeds: int = 3
    target: str = "400M"
    grid_step: int = 10
    grid_seeds: int = 2
    compare_seeds: int = 3
    budgets: tuple[float, ...] = (2.0, 4.0)
    schedule_seconds: float = 180.0
    in_table: int = 60
    unseen: int = 40
    latency_batches: tuple[int, ...] = (1, 64)
    latency_pixels: int | None = None
    published: tuple[str, ...] = ("efficientnet-b0", "mobilenet-v2", "mnasnet-a1")

    def described(self) -> dict[str, Any]:
        """As JSON data, without paths: what a file that is gone on with must have been made by."""
        values = asdict(self) | {"data": Path(self.data).name}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in values.items()
        }


def on_a_card(data: str) -> Setting:
    """As the committed results are made."""
    return Setting(device="cuda", data=data)


def rehearsal(data: str) -> Setting:
    """Every line of every leg within a minute or two on a processor."""
    return Setting(
        device="cpu",
        data=data,
        images=200,
        pixels=8,
        batch_size=64,
        epochs=1,
        final_epochs=1,
        at_once=1,
        networks=4,
        finalists=1,
        seeds=2,
        target="60M",
        grid_step=50,
        grid_seeds=1,
        compare_seeds=1,
        budgets=(2.0,),
        schedule_seconds=2.0,
        in_table=6,
        unseen=3,
        latency_batches=(1,),
        latency_pixels=32,
        published=("mobilenet-v2",),
    )
