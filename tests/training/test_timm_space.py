"""What timm can load: every network of `mnasnet-timm`, and a verdict for every other."""

from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import numpy as np
import pytest
import torch
from small_model import small_info

from effsearch.search_spaces.network import build_network
from effsearch.search_spaces.space_file import load_space
from effsearch.training.export.exported import Export
from effsearch.training.export.loading_code import loading_lines, timm_verdict
from effsearch.training.models.published_weights import to_published


def test_every_network_of_the_space_has_timm_s_names_and_strings() -> None:
    space = load_space("mnasnet-timm")
    for row in space.sample(np.random.default_rng(1), 50):
        info = small_info(space.decode(row))
        assert timm_verdict(info).startswith("timm can load it")


def test_most_networks_of_mnasnet_are_none_and_the_verdict_says_why() -> None:
    space = load_space("mnasnet")
    said = [
        timm_verdict(small_info(space.decode(row)))
        for row in space.sample(np.random.default_rng(1), 50)
    ]
    assert sum(one.startswith("timm can load it") for one in said) < 5
    assert any("the skip option 'pool'" in one for one in said)


@pytest.mark.slow
def test_timm_s_own_network_of_the_strings_has_our_logits(
    import_vision: Callable[[str], ModuleType],
) -> None:
    import_vision("timm")
    space = load_space("mnasnet-timm")
    torch.manual_seed(0)
    for row in space.sample(np.random.default_rng(2), 3):
        architecture = space.decode(row)
        info = small_info(architecture)
        export = Export(
            path=Path("x.safetensors"), card=Path("x"),
            format="safetensors", names="timm", images=1, images_from="", largest_difference=0.0,
        )  # fmt: skip
        lines = [line for line in loading_lines(export, info) if "load_file" not in line]
        made: dict[str, torch.nn.Module] = {}
        exec("\n".join(lines), made)
        ours = build_network(architecture, classes=10).eval()
        state = to_published(architecture, ours.state_dict(), "timm")
        made["network"].load_state_dict(state, strict=True)
        images = torch.rand(1, 3, 64, 64)
        with torch.inference_mode():
            assert torch.allclose(made["network"](images), ours(images), atol=1e-4)
