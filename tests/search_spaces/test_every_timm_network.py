"""Every network of timm's EfficientNet builders: exact to the last digit, or known to be missing.

They are enumerated from the installed package, so that a newer one brings its networks along.
"""

from collections.abc import Callable
from types import ModuleType

import pytest
import torch
from read_timm import NotExpressibleError, read_timm

from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture, parse_architecture

MODULES = ("efficientnet", "mobilenetv3", "hardcorenas")
MISSING = (
    "the block CondConvResidual",
    "the block UniversalInvertedResidual",
    "the convolution MixedConv2d",
    "the normalization ",
    "the activation GELU",
    "the attention GlobalContext",
    "anti-aliasing",
    "space to depth",
    "grouped convolutions in such blocks",
)


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_every_network_is_exact_or_missing_for_a_known_reason(
    module: str, import_vision: Callable[[str], ModuleType]
) -> None:
    from torch.utils.flop_counter import FlopCounterMode

    timm = import_vision("timm")
    names = timm.list_models(module=module)
    exact = 0
    missing: dict[str, str] = {}
    for name in names:
        with torch.device("meta"):
            theirs = timm.create_model(name).eval()
        side = theirs.default_cfg["input_size"][-1]
        try:
            ours = read_timm(theirs, side)
        except NotExpressibleError as reason:
            missing[name] = str(reason)
            continue
        with FlopCounterMode(display=False) as counter:
            theirs(torch.zeros(1, 3, side, side, device="meta"))
        counted = cost(ours)
        params = sum(parameter.numel() for parameter in theirs.parameters())
        assert (counted.params, 2 * counted.macs) == (params, counter.get_total_flops()), name
        assert parse_architecture(format_architecture(ours)) == ours
        exact += 1
    assert all(reason.startswith(MISSING) for reason in missing.values()), missing
    assert exact >= {"efficientnet": 88, "mobilenetv3": 21, "hardcorenas": 6}[module], exact
