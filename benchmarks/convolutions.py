"""The convolution that trains faster on a processor against torch's own.

First whether they are equal: logits in training and all gradients, in float64, of the zoo and of
random networks of every shipped space at 8, 16, 32 and 33 pixels. Then single layers of
EfficientNet-B0's kinds, forward and backward, in processor milliseconds of one thread.

    python -m benchmarks.convolutions [--networks 200] [--layers-only]
"""

import argparse
import copy
import statistics
import time
from collections.abc import Iterator

import numpy as np
import torch
from torch import Tensor, nn

from benchmarks.machine import write_result
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.convolution import Conv2d
from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.space_file import load_space, shipped_spaces
from effsearch.search_spaces.zoo import load_zoo, zoo_names

SIZES = (8, 16, 32, 33)
TOLERANCE = 1e-6
BATCH = 48
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
    parser.add_argument("--layers-only", action="store_true")
    options = parser.parse_args()
    torch.set_num_threads(1)
    result: dict[str, object] = {"what": "our convolution against torch's, one thread"}
    if not options.layers_only:
        result["largest_relative_difference"] = equality(options.networks)
    result["layers"] = layers()
    name = f"convolutions_{torch.backends.cpu.get_cpu_capability().lower()}"
    print(f"written: {write_result(name, result, ('torch',))}")


def equality(count: int) -> dict[str, float]:
    """The largest difference of logits and gradients, by zoo or space and by size."""
    found = {}
    for group, networks in _groups(count):
        for pixels in SIZES:
            worst = max(difference(network, pixels) for network in networks)
            found[f"{group}, {pixels} px"] = worst
            print(f"{group:18}{pixels:4} px {len(networks):5} networks: {worst:.1e}", flush=True)
            assert worst <= TOLERANCE, "not equal"
    return found


def _groups(count: int) -> Iterator[tuple[str, list[Architecture]]]:
    yield "zoo", [load_zoo(name) for name in zoo_names()]
    for name in shipped_spaces():
        space = load_space(name)
        yield name, [space.decode(row) for row in space.sample(np.random.default_rng(1), count)]


def difference(architecture: Architecture, pixels: int) -> float:
    """Largest difference of logits and gradients, relative to the largest of each tensor."""
    torch.manual_seed(0)
    network = build_network(architecture, classes=10).double().train()
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    images = torch.randn(4, architecture.in_channels, pixels, pixels, dtype=torch.float64)
    images = images.contiguous(memory_format=torch.channels_last)
    ours, theirs = _learnt(network, images), _learnt(with_torch_convolutions(network), images)
    # What batch normalization takes out again has no gradient but rounding.
    least = 1e-9 * max(float(gradient.abs().max()) for gradient in theirs[1:])
    return max(
        float((a - b).abs().max()) / max(float(b.abs().max()), least)
        for a, b in zip(ours, theirs, strict=True)
    )


def with_torch_convolutions(network: nn.Module) -> nn.Module:
    """A copy with the same weights."""
    found = copy.deepcopy(network)
    for module in found.modules():
        if isinstance(module, Conv2d):
            module.__class__ = nn.Conv2d
    return found


def _learnt(network: nn.Module, images: Tensor) -> list[Tensor]:
    logits = network(images)
    torch.manual_seed(1)
    gradients = torch.autograd.grad(logits, list(network.parameters()), torch.randn_like(logits))
    return [logits.detach(), *gradients]


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
