"""Networks of ours in timm's registry: `import effsearch.timm`, then `timm.create_model`.

    timm.create_model("effsearch_efficientnet_b0", num_classes=10, features_only=True)
    timm.create_model("effsearch", network="runs/baseline/001", drop_path_rate=0.2)

`timm.list_models("effsearch*")` lists them. They are built of our layers; what is expected of a
timm model they have (see `effsearch.create_model`).
"""

from collections.abc import Callable
from typing import Any

from timm.models import register_model

from effsearch.search_spaces.zoo import zoo_names
from effsearch.training.models.create import Created, create_model

__all__: list[str] = []

_OF_TIMM = ("pretrained_cfg", "pretrained_cfg_overlay", "cache_dir")


def _register(name: str, network: str | None) -> None:
    def entry(pretrained: bool = False, **options: Any) -> Created:
        own = {key: value for key, value in options.items() if key not in _OF_TIMM}
        return create_model(own.pop("network", network), pretrained, **own)

    entry.__name__ = entry.__qualname__ = name
    entry.__doc__ = f"{network or 'Any network, named by the keyword `network`'}."
    made: Callable[..., Any] = register_model(entry)
    globals()[name] = made


for _name in zoo_names():
    _register(f"effsearch_{_name.replace('-', '_')}", _name)
_register("effsearch", None)
