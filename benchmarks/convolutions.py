"""The convolution that trains faster on a processor against torch's own.

First single layers of EfficientNet-B0's kinds, forward and backward, in processor milliseconds of
one thread. Then what random networks near 400M multiply-adds reach on the digits with
either: their roundings differ, and so two trainings of one seed go apart. Last whether they are
equal: logits in training and all gradients, in float64, of the zoo and of random networks of every
shipped space at 8, 16, 32 and 33 pixels, to 1e-6.

    python -m benchmarks.convolutions                       # all, in hours
    python -m benchmarks.convolutions --only layers mnasnet

A part that is measured again takes the place of the one in the file.
"""

import argparse
import copy
import json
import statistics
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from itertools import repeat
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.machine import RESULTS, machine, write_result
from benchmarks.networks import searched_networks, with_torch_convolutions
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.convolution import Conv2d
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.space_file import load_space, shipped_spaces
from effsearch.search_spaces.zoo import load_zoo, zoo_names
from effsearch.training.data.dataset import load_train
from effsearch.training.devices.device import place_on_device
from effsearch.training.loop.classifier import train_classifier
from effsearch.training.recipes.recipe import proxy_recipe
from effsearch.training.recipes.seeds import build_seeded

SIZES = (8, 16, 32, 33)
TOLERANCE = 1e-6
BATCH = 48
EPOCHS = 9  # as the finalists of a search
# kernel, stride, side of the map, channels in, channels out; depthwise where the last is 0
LAYERS = (
    (3, 1, 1, 1152, 0), (5, 1, 1, 1152, 0), (5, 2, 2, 672, 0), (3, 1, 2, 480, 0),
    (5, 1, 2, 480, 0), (3, 1, 4, 480, 0), (5, 1, 4, 480, 0), (5, 2, 8, 240, 0), (3, 1, 8, 144, 0),
    (5, 1, 8, 144, 0), (3, 1, 16, 96, 0), (5, 1, 16, 96, 0), (5, 1, 32, 32, 0),
    (1, 1, 1, 192, 1152), (1, 1, 2, 112, 672), (1, 1, 4, 80, 480), (1, 1, 16, 16, 96),
    (3, 1, 1, 512, 512), (3, 1, 4, 128, 128),
)  # fmt: skip


def main() -> None:
    """Check, measure, print, write `results/convolutions_<instructions>.json`."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--networks", type=int, default=200, help="of each space")
    parser.add_argument("--only", nargs="*", help="zoo, spaces, layers or trained [all]")
    parser.add_argument("--trained", type=int, default=60, help="networks to train with both")
    options = parser.parse_args()
    torch.set_num_threads(1)
    name = f"convolutions_{torch.backends.cpu.get_cpu_capability().lower()}"

    path = RESULTS / f"{name}.json"
    result: dict[str, Any] = json.loads(path.read_text("utf-8")) if path.exists() else {}
    result |= {"machine": None, "what": "our convolution against torch's, one thread"}

    def wanted(part: str) -> bool:
        return not options.only or part in options.only

    def keep(key: str, found: object) -> None:
        result[key] = found
        write_result(name, result | {"machine": machine(("torch",))})

    if wanted("layers"):
        keep("layers", layers())
    if wanted("trained"):
        keep("trained", trained(options.trained))
    groups = [group for group in ("zoo", *shipped_spaces()) if wanted(group)]
    for found in equality(groups, options.networks):
        keep("relative_differences", result.get("relative_differences", {}) | found)
    print(f"written: {path}")


def equality(groups: Iterable[str], count: int) -> Iterator[dict[str, dict[str, float]]]:
    """How far logits and gradients differ, by zoo or space and by size, on two cores.

    Args:
        count: networks of a space.
    """
    print(f"{'':24}{'networks':>10}{'median':>10}{'with 16':>10}{'largest':>10}", flush=True)
    with ProcessPoolExecutor(2) as pool:
        for group in groups:
            networks = _networks(group, count)
            for pixels in SIZES:
                pairs = list(pool.map(differences, networks, repeat(pixels)))
                beyond = [pair for pair in pairs if pair[0] > TOLERANCE]
                row = {
                    "networks": len(pairs),
                    "median": statistics.median(few for few, _ in pairs),
                    "with_16_images": len(beyond),
                    "largest_with_16_images": max((many for _, many in beyond), default=0.0),
                }
                said = "".join(f"{value:10.2g}" for value in row.values())
                print(f"{group:18}{pixels:4} px{said}", flush=True)
                assert row["largest_with_16_images"] <= TOLERANCE, "not equal"
                yield {f"{group}, {pixels} px": row}


def _networks(group: str, count: int) -> list[Architecture]:
    if group == "zoo":
        return [load_zoo(name) for name in zoo_names()]
    space = load_space(group)
    return [space.decode(row) for row in space.sample(np.random.default_rng(1), count)]


def differences(architecture: Architecture, pixels: int) -> tuple[float, float]:
    """How far ours is from torch's with four images; and with 16, where that is too far.

    Of four images of one pixel normalization makes much of little: in a deep network at 8 pixels
    rounding alone, torch's own in its two layouts as well, comes to any size.
    """
    torch.set_num_threads(1)
    few = _difference(architecture, pixels, 4)
    return few, _difference(architecture, pixels, 16) if few > TOLERANCE else 0.0


def _difference(architecture: Architecture, pixels: int, count: int) -> float:
    """Largest difference of logits and gradients, relative to the largest of each tensor."""
    torch.manual_seed(0)
    network = build_network(architecture, classes=10).double().train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(count, architecture.in_channels, pixels, pixels, dtype=torch.float64)
    images = images.contiguous(memory_format=torch.channels_last)
    return _furthest(_learnt(network, images), _learnt(with_torch_convolutions(network), images))


def _furthest(ours: list[Tensor], theirs: list[Tensor]) -> float:
    # What batch normalization takes out again has no gradient but rounding.
    least = 1e-9 * max(float(gradient.abs().max()) for gradient in theirs[1:])
    return max(
        float((a - b).abs().max()) / max(float(b.abs().max()), least)
        for a, b in zip(ours, theirs, strict=True)
    )


def _learnt(network: nn.Module, images: Tensor) -> list[Tensor]:
    logits = network(images)
    torch.manual_seed(1)
    gradients = torch.autograd.grad(logits, list(network.parameters()), torch.randn_like(logits))
    return [logits.detach(), *gradients]


def trained(count: int) -> dict[str, object]:
    """Accuracies of the same networks, seeds and images, by either convolution, on two cores."""
    with ProcessPoolExecutor(2) as pool:
        pairs = list(pool.map(_reached, searched_networks(count)))
    differences = [ours - theirs for ours, theirs in pairs]
    mean = statistics.fmean(differences)
    error = statistics.stdev(differences) / len(differences) ** 0.5
    print(f"accuracy after {EPOCHS} epochs, ours less torch's, {len(pairs)} networks: ", end="")
    print(f"{100 * mean:+.2f} ± {100 * error:.2f} points (standard error)")
    ours, theirs = (statistics.fmean(column) for column in zip(*pairs, strict=True))
    return {
        "epochs": EPOCHS,
        "networks": len(pairs),
        "mean_ours": ours,
        "mean_torch": theirs,
        "mean_difference": mean,
        "standard_error": error,
        "accuracies": pairs,
    }


def _reached(architecture: Architecture) -> tuple[float, float]:
    torch.set_num_threads(1)
    data = place_on_device(
        load_train("digits", resolution=16), torch.device("cpu"), validation=0.2, split_seed=0
    )
    recipe = proxy_recipe("digits", {"epochs": EPOCHS})
    seed = int(architecture.id[:6], 16)
    network = build_seeded(
        lambda: build_network(
            architecture, classes=data.classes, norm_momentum=recipe.norm_momentum
        ),
        seed,
    )
    ours, theirs = (
        train_classifier(one, data, recipe, seed=seed).accuracy
        for one in (copy.deepcopy(network), with_torch_convolutions(network))
    )
    return ours, theirs


def layers() -> list[dict[str, object]]:
    """Milliseconds of a forward and backward pass, both forms in turn."""
    rows: list[dict[str, object]] = []
    for kernel, stride, side, into, out in LAYERS:
        ours = Conv2d(
            into, out or into, kernel, stride, kernel // 2, groups=1 if out else into, bias=False
        ).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        modules = (ours, with_torch_convolutions(ours))
        images = torch.randn(BATCH, into, side, side).contiguous(memory_format=torch.channels_last)
        times: tuple[list[float], list[float]] = ([], [])
        for _ in range(9):
            for module, found in zip(modules, times, strict=True):
                found.append(_milliseconds(module, images))
        fast, plain = (statistics.median(found[1:]) for found in times)
        kind = "dense" if out else "depthwise"
        name = f"{kind} {kernel}×{kernel}, stride {stride}, {side}×{side}, {into} channels"
        print(f"{name:50}{plain:8.2f} → {fast:6.2f} ms")
        rows.append({"layer": name, "torch_ms": round(plain, 2), "ours_ms": round(fast, 2)})
    return rows


def _milliseconds(module: nn.Module, images: Tensor) -> float:
    started = time.process_time()
    output = module(images.requires_grad_())
    torch.autograd.backward(output, torch.ones_like(output))
    return 1e3 * (time.process_time() - started)


if __name__ == "__main__":
    main()
