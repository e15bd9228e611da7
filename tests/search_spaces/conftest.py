"""What the tests of the ground floor share: fvcore as the second counter, and torchvision."""

import gc
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import torch
from counted_network import plain_network, without_weights

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.network import Network

SHARED_DATA = Path(__file__).parents[2].parent / "shared" / "data"


@pytest.fixture(scope="session", autouse=True)
def _one_thread() -> None:
    torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    return SHARED_DATA


@pytest.fixture(scope="session")
def empty_network() -> Callable[[Architecture], Network]:
    """The network on the meta device: all its shapes, none of its weights."""

    def build(architecture: Architecture) -> Network:
        with without_weights():
            return plain_network(architecture).eval()

    return build


@pytest.fixture(scope="session")
def built_params(
    empty_network: Callable[[Architecture], Network],
) -> Callable[[Architecture], int]:
    """Parameters of the torch network."""

    def count(architecture: Architecture) -> int:
        return sum(parameter.numel() for parameter in empty_network(architecture).parameters())

    return count


@pytest.fixture
def traced_counts(
    empty_network: Callable[[Architecture], Network],
) -> Iterator[Callable[[Architecture, int], tuple[int, int]]]:
    """Parameters of the torch network, and fvcore's conv + linear of it at a resolution."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from fvcore.nn import FlopCountAnalysis

    def count(architecture: Architecture, resolution: int) -> tuple[int, int]:
        # Weights that were never written will do: tracing looks at shapes.
        network = empty_network(architecture).to_empty(device="cpu")
        image = torch.zeros(1, architecture.in_channels, resolution, resolution)
        with warnings.catch_warnings(), torch.no_grad():
            warnings.simplefilter("ignore")
            analysis = FlopCountAnalysis(network, image)
            analysis.unsupported_ops_warnings(False).uncalled_modules_warnings(False)
            counted = analysis.by_operator()
        params = sum(parameter.numel() for parameter in network.parameters())
        return params, int(counted["conv"] + counted["linear"])

    gc.disable()  # tracing makes so many small objects that collecting them takes a sixth
    yield count
    gc.enable()
