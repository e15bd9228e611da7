"""Images a second in training: this loop against a plain one that a user would write.

Both train the same networks on the same CIFAR-10 images in one run, in turn, and the median of the
ratios is reported. The plain loop is a torch DataLoader over Pillow images (pad, crop, flip,
normalise), torch's own convolutions in its default layout, float32, and torch's SGD.

On a CPU, at 16 and 32 pixels on one thread, in processor seconds, which other work on the machine
disturbs least; a third column is this loop with torch's own convolutions. A processor with AVX-512
shows what one without it does under `ATEN_CPU_CAPABILITY=avx2 ONEDNN_MAX_CPU_ISA=AVX2
MKL_ENABLE_INSTRUCTIONS=AVX2`.

On a CUDA device at 32 pixels, in seconds, the plain loop with and without worker processes (as many
as there are cores, eight at most), the faster of the two counting. EfficientNet-B0 at 224 pixels
follows, against timm's under the same settings (bfloat16, channels-last, images on the device),
both as they are and both compiled. About five minutes, of which compiling takes half; it needs a
C compiler.
"""

import argparse
import os
import statistics
import time
from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image, ImageOps
from torch import Tensor, nn
from torch.utils.data import DataLoader, Dataset

from benchmarks.machine import write_result
from benchmarks.networks import searched_networks, with_torch_convolutions
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.data.dataset import load_train
from effsearch.training.devices.device import DeviceData, choose_device, place_on_device
from effsearch.training.loop.classifier import train_classifier
from effsearch.training.loop.trainer import Trainer
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.recipes.seeds import build_seeded
from effsearch.training.sources import ResidentSource

CIFAR10 = Path(__file__).parents[2] / "shared" / "data" / "cifar10"
NETWORKS = 3
REQUIRED_ON_CUDA = 3.0
REQUIRED_ON_CPU = {16: 3.0, 32: 2.0}  # by pixels, on a processor with AVX2
ZOO_ON_CPU = ("efficientnet-b0", "mobilenet-v2")
IMAGES_ON_CPU = 400
REQUIRED_OVER_TIMM = 1.15
MOST_WORKERS = 8  # of the plain loop beside a GPU
_WARM_UP = 20  # of its steps on a GPU that are not timed


def main() -> None:
    """Measure, print a table, write `results/training_cpu.json` or `training_cuda.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--data", default=str(CIFAR10), help="images to train on")
    parser.add_argument("--device", default="auto")
    parser.add_argument("--images", type=int, default=None, help="[400 on a CPU, all on CUDA]")
    parser.add_argument("--repeats", type=int, default=3)
    options = parser.parse_args()
    device = choose_device(options.device)
    torch.set_num_threads(1)
    if device.type == "cuda":
        result = on_cuda(options.data, device, options.images, options.repeats)
        name = "training_cuda"
    else:
        result = on_cpu(options.data, device, options.images or IMAGES_ON_CPU, options.repeats)
        name = f"training_cpu_{torch.backends.cpu.get_cpu_capability().lower()}"
    print(f"written: {write_result(name, result, ('torch', 'numpy', 'pillow', 'timm'))}")


def on_cuda(
    where: str, device: torch.device, images: int | None, repeats: int
) -> dict[str, object]:
    """Proxies at 32 pixels, then EfficientNet-B0 at 224 beside timm's."""
    dataset = load_train(where, resolution=32, max_images=images)
    data = place_on_device(dataset, device, validation=0.2, split_seed=0)
    recipe = Recipe(epochs=1, batch_size=512)
    return {
        "what": f"training images a second at 32 px, batch {recipe.batch_size}, validation aside",
        "proxies": proxies(data, recipe, repeats, _helpers()),
        "required_ratio": REQUIRED_ON_CUDA,
        "efficientnet_b0": {
            "required_ratio": REQUIRED_OVER_TIMM,
            "as_they_are": against_timm(device, repeats, compiled=False),
            "compiled": against_timm(device, repeats, compiled=True),
        },
    }


def on_cpu(where: str, device: torch.device, images: int, repeats: int) -> dict[str, object]:
    """Published and searched networks at 16 and 32 pixels, in processor seconds."""
    recipe = Recipe(epochs=1, batch_size=64)
    networks = {name: load_zoo(name) for name in ZOO_ON_CPU}
    networks |= {found.id: found for found in searched_networks(1)}
    sizes = []
    for pixels, required in REQUIRED_ON_CPU.items():
        dataset = load_train(where, resolution=pixels, max_images=images)
        data = place_on_device(dataset, device, validation=0.02, split_seed=0)
        print(
            f"{pixels} px{'':16}{'ours':>8}{'torch':>8}{'plain':>8}{'ratio':>8}   images a second"
        )
        rows = [_row_on_cpu(name, found, data, recipe, repeats) for name, found in networks.items()]
        median = statistics.median(float(row["ratio"]) for row in rows)
        print(f"median ratio to the plain loop: {median:.2f}, required {required}")
        sizes.append(
            {"pixels": pixels, "rows": rows, "median_ratio": median, "required_ratio": required}
        )
    return {
        "what": "training images a processor second by the median step, one thread, batch "
        f"{recipe.batch_size}: ours, ours with torch's own convolutions, a plain loop",
        "sizes": sizes,
    }


def _row_on_cpu(
    name: str, architecture: Architecture, data: DeviceData, recipe: Recipe, repeats: int
) -> dict[str, str | float]:
    """One network by all three, in turn."""
    ours, own_convolutions, plain = [], [], []
    for _ in range(repeats):
        ours.append(our_cpu_rate(build_network, architecture, data, recipe))
        own_convolutions.append(our_cpu_rate(plain_network, architecture, data, recipe))
        plain.append(plain_rate(architecture, data, recipe, workers=0))
    ratio = statistics.median(a / b for a, b in zip(ours, plain, strict=True))
    medians = [statistics.median(rates) for rates in (ours, own_convolutions, plain)]
    print(f"{name:21}" + "".join(f"{rate:8.0f}" for rate in medians) + f"{ratio:8.2f}")
    keys = ("ours", "ours_with_torch_convolutions", "plain")
    row = {key: round(rate) for key, rate in zip(keys, medians, strict=True)}
    return {"network": name, **row, "ratio": round(ratio, 2)}


def plain_network(architecture: Architecture, *, classes: int) -> nn.Module:
    """The network with torch's own convolutions."""
    return with_torch_convolutions(build_network(architecture, classes=classes))


def _helpers() -> int:
    """Worker processes that a user gives a loop beside a GPU: a core each, one left for itself."""
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return max(1, min(MOST_WORKERS, (cores or 1) - 1))


def proxies(data: DeviceData, recipe: Recipe, repeats: int, workers: int) -> dict[str, object]:
    """Networks of the default space as a search trains them, by both loops in turn.

    Args:
        workers: processes of the plain loop where it has any.
    """
    rows = []
    with_them = f"+ {workers} proc."
    print(f"{'network':14}{'ours':>10}{'plain':>10}{with_them:>10}{'ratio':>8}   images a second")
    for architecture in searched_networks(NETWORKS):
        ours, plain, helped = [], [], []
        for _ in range(repeats):
            ours.append(our_rate(architecture, data, recipe))
            plain.append(plain_rate(architecture, data, recipe, workers=0))
            helped.append(plain_rate(architecture, data, recipe, workers=workers))
        best_plain = [max(pair) for pair in zip(plain, helped, strict=True)]
        ratio = statistics.median(a / b for a, b in zip(ours, best_plain, strict=True))
        medians = [statistics.median(rates) for rates in (ours, plain, helped)]
        print(
            f"{architecture.id:14}" + "".join(f"{rate:10.0f}" for rate in medians) + f"{ratio:8.2f}"
        )
        rows.append(
            {
                "network": architecture.id,
                "ours": round(medians[0]),
                "plain": round(medians[1]),
                "plain_with_worker": round(medians[2]),
                "ratio": round(ratio, 2),
            }
        )
    median = statistics.median(float(row["ratio"]) for row in rows)
    print(f"median ratio to the faster plain loop: {median:.2f}")
    return {"workers": workers, "rows": rows, "median_ratio": median}


def our_rate(architecture: Architecture, data: DeviceData, recipe: Recipe) -> float:
    """Images a second of this project's loop."""
    network = build_seeded(lambda: build_network(architecture, classes=data.classes), 0)
    return train_classifier(network, data, recipe, seed=0).images_per_second


def our_cpu_rate(
    build: Callable[..., nn.Module], architecture: Architecture, data: DeviceData, recipe: Recipe
) -> float:
    """The same by the processor seconds of a step, the median of an epoch's but the first."""
    network = build_seeded(lambda: build(architecture, classes=data.classes), 0)
    resolution = data.train_images.shape[-1]
    trainer = Trainer(network, ResidentSource(data), recipe, resolution=resolution, seed=0)
    moments: list[float] = []
    trainer.train(on_step=lambda report: moments.append(time.process_time()))
    return recipe.batch_size / _median_step(moments)


def _median_step(moments: list[float]) -> float:
    """Between the ends of steps; the first step, of new shapes, ends with the first moment."""
    return statistics.median(after - before for before, after in pairwise(moments))


def plain_rate(
    architecture: Architecture, data: DeviceData, recipe: Recipe, *, workers: int
) -> float:
    """Images a second of the loop a user would write; on a CPU by the median step, in processor
    seconds."""
    network = plain_network(architecture, classes=data.classes).to(data.device)
    optimizer = torch.optim.SGD(
        network.parameters(), lr=recipe.lr, momentum=recipe.momentum, weight_decay=5e-4
    )
    loader = DataLoader(
        PillowImages(data),
        recipe.batch_size,
        shuffle=True,
        drop_last=True,
        num_workers=workers,
        pin_memory=data.device.type == "cuda",
    )
    network.train()
    moments: list[float] = []
    started, trained = time.perf_counter(), 0
    for number, (images, labels) in enumerate(loader):
        if number == _WARM_UP:  # worker processes have started, libraries have chosen
            started, trained = time.perf_counter(), 0
        images, labels = images.to(data.device), labels.to(data.device)
        loss = F.cross_entropy(network(images), labels, label_smoothing=recipe.label_smoothing)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        trained += len(labels)
        loss.item()  # as every tutorial's progress line does
        moments.append(time.process_time())
    if data.device.type == "cpu":
        return recipe.batch_size / _median_step(moments)
    return trained / (time.perf_counter() - started)


class PillowImages(Dataset[tuple[Tensor, int]]):
    """Images in memory, augmented one by one: pad 4, random crop, flip, normalise."""

    def __init__(self, data: DeviceData) -> None:
        pixels = data.train_images.cpu().permute(0, 2, 3, 1).numpy()
        self.images = [Image.fromarray(image) for image in pixels]
        self.labels = data.train_labels.cpu().tolist()
        self.mean, self.std = data.mean.cpu().view(3, 1, 1), data.std.cpu().view(3, 1, 1)

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> tuple[Tensor, int]:
        side = self.images[index].width
        image = ImageOps.expand(self.images[index], border=4)
        left, top = np.random.randint(0, 9, size=2)
        image = image.crop((left, top, left + side, top + side))
        if np.random.rand() < 0.5:
            image = ImageOps.mirror(image)
        pixels = torch.from_numpy(np.array(image)).permute(2, 0, 1).float()
        return (pixels - self.mean) / self.std, self.labels[index]


def against_timm(device: torch.device, repeats: int, compiled: bool) -> dict[str, float]:
    """EfficientNet-B0 at 224 px, bfloat16: this loop and network against timm's network."""
    import timm

    pixels = torch.randint(0, 256, (256 * 24, 3, 224, 224), dtype=torch.uint8, device=device)
    pixels = pixels.contiguous(memory_format=torch.channels_last)
    labels = torch.randint(0, 1000, (len(pixels),), device=device)
    data = DeviceData(
        train_images=pixels,
        train_labels=labels,
        validation_images=pixels[:2],
        validation_labels=labels[:2],
        mean=torch.full((3,), 127.5, device=device),
        std=torch.full((3,), 73.6, device=device),
        classes=1000,
    )
    # The first epoch warms up, and compiles.
    recipe = Recipe(epochs=repeats + 1, batch_size=256, precision="bf16", compile=compiled)
    network = build_network(load_zoo("efficientnet-b0"))
    curve = train_classifier(network, data, recipe, seed=0).curve[1:]
    ours = statistics.median(report.images_per_second for report in curve)
    theirs = statistics.median(_bf16_rates(timm.create_model("efficientnet_b0"), data, recipe)[1:])
    how = "compiled" if compiled else "as they are"
    print(f"B0, 224 px, bf16, {how}: ours {ours:,.0f} images a second, ", end="")
    print(f"timm's {theirs:,.0f}, ratio {ours / theirs:.2f}")
    return {"ours": round(ours), "timm": round(theirs), "ratio": round(ours / theirs, 2)}


def _bf16_rates(network: nn.Module, data: DeviceData, recipe: Recipe) -> list[float]:
    """Images a second of each epoch of a short loop without augmentation."""
    network.to(data.device, memory_format=torch.channels_last)  # type: ignore[call-overload]
    optimizer = torch.optim.SGD(
        network.parameters(), lr=recipe.lr, momentum=recipe.momentum, weight_decay=5e-4, fused=True
    )
    network.train()
    forward = torch.compile(network, dynamic=False) if recipe.compile else network
    rates = []
    for _ in range(recipe.epochs):
        torch.cuda.synchronize(data.device)
        started, trained = time.perf_counter(), 0
        for images, labels in zip(
            data.train_images.split(recipe.batch_size),
            data.train_labels.split(recipe.batch_size),
            strict=True,
        ):
            pixels = (images.float() - data.mean.view(1, 3, 1, 1)) / data.std.view(1, 3, 1, 1)
            with torch.autocast("cuda", dtype=torch.bfloat16):
                logits = forward(pixels)
            loss = F.cross_entropy(logits.float(), labels, label_smoothing=recipe.label_smoothing)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            optimizer.step()
            trained += len(labels)
        torch.cuda.synchronize(data.device)
        rates.append(trained / (time.perf_counter() - started))
    return rates


if __name__ == "__main__":
    main()
