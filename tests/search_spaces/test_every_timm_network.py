"""Every network of timm's EfficientNet builders: exact to the last digit, or known to be missing.

They are enumerated from the installed package, so that a newer one brings its networks along. Names
and shapes of weights are compared for all, logits for the smallest networks of each kind.
"""

from collections.abc import Callable
from types import ModuleType

import pytest
from counted_network import counted, without_weights
from read_timm import NotExpressibleError, read_timm
from same_logits import check_names, few_of_each_kind, largest_difference
from torch import nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture, parse_architecture

EXACT = {"efficientnet": 109, "mobilenetv3": 26, "hardcorenas": 6}
MISSING = (
    "the normalization EvoNorm2dS0",
    "the activation GELU",
    "the attention GlobalContext",
    "layer scale",  # MobileNetV4's hybrids: attention between their convolutions
    "anti-aliasing",
    "space to depth",
)
Import = Callable[[str], ModuleType]


@pytest.mark.slow
@pytest.mark.parametrize("module", EXACT)
def test_every_network_is_exact_or_missing_for_a_known_reason(
    module: str, import_vision: Import
) -> None:
    timm = import_vision("timm")
    exact: dict[str, Architecture] = {}
    built: dict[str, nn.Module] = {}  # without weights, so that all of them are small
    missing: dict[str, str] = {}
    for name in timm.list_models(module=module):
        with without_weights():
            theirs = timm.create_model(name).eval()
        side = theirs.default_cfg["input_size"][-1]
        try:
            ours = read_timm(theirs, side)
        except NotExpressibleError as reason:
            missing[name] = str(reason)
            continue
        known = cost(ours)
        assert (known.params, known.macs) == counted(theirs, side), name
        assert parse_architecture(format_architecture(ours)) == ours
        check_names(theirs, ours)
        exact[name], built[name] = ours, theirs
    assert all(reason.startswith(MISSING) for reason in missing.values()), missing
    assert len(exact) >= EXACT[module], len(exact)
    for name in few_of_each_kind(exact):
        assert largest_difference(built.pop(name), exact[name]) < 1e-4, name
