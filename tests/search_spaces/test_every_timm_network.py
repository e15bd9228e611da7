"""Every network of timm's EfficientNet builders: exact to the last digit, or known to be missing.

They are enumerated from the installed package, so that a newer one brings its networks along.
"""

from collections.abc import Callable
from types import ModuleType

import pytest
from counted_network import counted, without_weights
from read_timm import NotExpressibleError, read_timm

from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture, parse_architecture

MODULES = ("efficientnet", "mobilenetv3", "hardcorenas")
MISSING = (
    "the normalization EvoNorm2dS0",
    "the activation GELU",
    "the attention GlobalContext",
    "layer scale",  # MobileNetV4's hybrids: attention between their convolutions
    "anti-aliasing",
    "space to depth",
)


@pytest.mark.slow
@pytest.mark.parametrize("module", MODULES)
def test_every_network_is_exact_or_missing_for_a_known_reason(
    module: str, import_vision: Callable[[str], ModuleType]
) -> None:
    timm = import_vision("timm")
    names = timm.list_models(module=module)
    exact = 0
    missing: dict[str, str] = {}
    for name in names:
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
        exact += 1
    assert all(reason.startswith(MISSING) for reason in missing.values()), missing
    assert exact >= {"efficientnet": 109, "mobilenetv3": 26, "hardcorenas": 6}[module], exact
