"""A space in Python, with the words of the YAML: a single value is fixed, a list is a choice.

space = make_space(
    stages=[
        stage(block=[block(op="mbconv", kernel=3, expand=3), block(op="mbconv", kernel=5)],
              channels=64, layers=[1, 2, 3], stride=2),
    ],
    stem={"channels": [16, 24], "stride": 1},
    resolution=32,
)
"""

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias, TypeVar

from effsearch.search_spaces.activations import Activation
from effsearch.search_spaces.block import Op, Skip
from effsearch.search_spaces.parts import Sizes
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.space_file import read_space
from effsearch.search_spaces.squeeze import Squeeze

T = TypeVar("T")
Choice: TypeAlias = T | Sequence[T]
"""A value, or several to choose from."""


def make_space(
    *,
    stages: Sequence[Mapping[str, Any]],
    stem: Mapping[str, Any] | None = None,
    head: Mapping[str, Any] | None = None,
    resolution: Choice[int] | None = None,
    activation: Choice[Activation] | None = None,
    classes: int | None = None,
    in_channels: int | None = None,
    norm_eps: float | None = None,
    name: str = "mine",
) -> SearchSpace:
    """A search space; what is left out takes the defaults of `Architecture`.

    Args:
        stages: from `stage`, or mappings of the same words.
        stem, head: the fields of `Stem` and `Head`, each a value or a list to choose from.
        resolution: pixels.
        activation: of the whole network.
        classes, in_channels, norm_eps: of the task; they cannot vary.
        name: for people and files.

    Raises:
        InputError: a word nobody knows, an empty choice, a value that no network can have.

    Example:
        >>> space = make_space(stages=[stage(op="mbconv", channels=[16, 24, 32], layers=[1, 2])])
        >>> space.size
        6
    """
    own = {
        "resolution": resolution,
        "activation": activation,
        "classes": classes,
        "in_channels": in_channels,
        "norm_eps": norm_eps,
    }
    document: dict[str, Any] = {key: value for key, value in own.items() if value is not None}
    document |= {"stem": stem or {}, "stages": list(stages), "head": head or {}}
    return read_space(document, name)


def stage(
    *,
    op: Choice[Op] | None = None,
    block: Sequence[Mapping[str, Any]] | None = None,
    channels: Choice[int] | None = None,
    layers: Choice[int] | None = None,
    kernel: Choice[int] | None = None,
    stride: Choice[int] | None = None,
    expand: Choice[float] | None = None,
    se: Choice[float] | None = None,
    skip: Choice[Skip] | None = None,
    squeeze: Choice[Squeeze] | None = None,
    activation: Choice[Activation] | None = None,
    group_size: Choice[int] | None = None,
    sizes: Sizes | None = None,
) -> dict[str, Any]:
    """A stage of a space; the words are those of `Stage`, each a value or a list to choose from.

    Args:
        block: options that belong together, from `block`; one of them is chosen whole.

    Example:
        >>> import effsearch
        >>> effsearch.stage(op="mbconv", channels=[16, 24], layers=[1, 2])
        {'op': 'mbconv', 'channels': [16, 24], 'layers': [1, 2]}
    """
    return _given(locals())


def block(
    *,
    op: Op | None = None,
    channels: int | None = None,
    layers: int | None = None,
    kernel: int | None = None,
    stride: int | None = None,
    expand: float | None = None,
    se: float | None = None,
    skip: Skip | None = None,
    squeeze: Squeeze | None = None,
    activation: Activation | None = None,
    group_size: int | None = None,
) -> dict[str, Any]:
    """Values of a stage that are chosen together.

    Example:
        >>> import effsearch
        >>> kinds = [effsearch.block(op="identity"), effsearch.block(op="mbconv", expand=6)]
        >>> space = effsearch.make_space(stages=[effsearch.stage(channels=32, block=kinds)])
        >>> space.size
        2
    """
    return _given(locals())


def _given(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in values.items() if value is not None}
