"""Every convolutional network of torchvision: exact to the last digit, or missing with its reason.

As `test_every_timm_network`; transformers are no networks of convolutions and not looked at.
"""

from collections.abc import Callable
from types import ModuleType

import pytest
from counted_network import counted, without_weights
from read_timm import NotExpressibleError
from read_torchvision import MISSING, read_torchvision
from same_logits import check_names, few_of_each_kind, largest_difference
from torch import nn

from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture, parse_architecture

TRANSFORMERS = ("vit_", "swin_", "maxvit_")


@pytest.mark.slow
def test_every_network_is_exact_or_missing_for_a_known_reason(
    import_vision: Callable[[str], ModuleType],
) -> None:
    models = import_vision("torchvision.models")
    exact: dict[str, Architecture] = {}
    built: dict[str, nn.Module] = {}  # without weights, so that all of them are small
    missing: dict[str, str] = {}
    for name in models.list_models(module=models):
        if name.startswith(TRANSFORMERS):
            continue
        with without_weights():
            theirs = _build(models, name).eval()
        try:
            ours = read_torchvision(theirs, 224)
        except NotExpressibleError as reason:
            missing[name] = str(reason)
            continue
        known = cost(ours)
        assert (known.params, known.macs) == counted(theirs, 224), name
        assert parse_architecture(format_architecture(ours)) == ours
        check_names(theirs, ours)
        exact[name], built[name] = ours, theirs
    assert set(missing.values()) <= set(MISSING.values())
    assert len(exact) >= 43
    assert len(exact) + len(missing) >= 68
    for name in few_of_each_kind(exact):
        assert largest_difference(built.pop(name), exact[name]) < 1e-4, name


def _build(models: ModuleType, name: str):  # type: ignore[no-untyped-def]
    # These two fill their weights in a way that takes a minute.
    quick = {"init_weights": False} if name in ("googlenet", "inception_v3") else {}
    return models.get_model(name, weights=None, **quick)
