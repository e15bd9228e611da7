"""Architectures in one line: timm's notation for stages, and tokens around it for the rest.

    res224 act_silu stem_k3_s2_c32 ds_r1_k3_s1_c16_se0.25 … head_c1280

A stage is `op_r<layers>_k<kernel>_s<stride>_e<expand>_c<channels>_se<ratio>` with `_noskip`,
`_skip` or `_pool` behind it. Operations: `cn` convolution (no skip unless `_skip`), `dsa`
MobileNetV1's separable convolution (the same), `ds` and `ir` MBConv without and with expansion,
`er` Fused-MBConv, and two of our own: `bt` ResNet bottleneck, `id` identity.
"""

import re
from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from effsearch.search_spaces.architecture import Architecture, Head, Stage, Stem
from effsearch.search_spaces.block import Skip
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.operations import OPERATIONS

_SKIPS: dict[str, Skip] = {"noskip": "none", "skip": "identity", "pool": "pool"}
_SUFFIXES: dict[Skip, str] = {skip: suffix for suffix, skip in _SKIPS.items()}

_INT_KEYS = {"r": "layers", "k": "kernel", "s": "stride", "c": "channels"}
_FLOAT_KEYS = {"e": "expand", "se": "se"}
_OPTION = re.compile(r"([a-z]+)(\d{1,400}(?:\.\d+)?(?:e-?\d+)?)")


@lru_cache(maxsize=2**16)
def format_stage(stage: Stage) -> str:
    """One stage in timm's notation, such as `ir_r2_k3_s2_e6_c24_se0.25`."""
    operation = OPERATIONS[stage.op]
    code = operation.unexpanded_code if stage.expand == 1 else None
    parts = [code or operation.code, f"r{stage.layers}", f"k{stage.kernel}", f"s{stage.stride}"]
    if stage.expand != 1:
        parts.append(f"e{_number(stage.expand)}")
    parts.append(f"c{stage.channels}")
    if stage.se:
        parts.append(f"se{_number(stage.se)}")
    if stage.skip != operation.default_skip:
        parts.append(_SUFFIXES[stage.skip])
    return "_".join(parts)


@lru_cache(maxsize=2**16)
def parse_stage(text: str) -> Stage:
    """Read one stage from timm's notation.

    Raises:
        InputError: an operation or option that is not known, or channels missing.
    """
    code, *options = text.split("_")
    operations = {code: made for made in OPERATIONS.values() for code in made.codes}
    if code not in operations:
        raise unknown_name(f"operation in '{text}'", code, operations)
    operation = operations[code]
    values: dict[str, Any] = {"op": operation.name, "skip": operation.default_skip}
    for option in options:
        if option in _SKIPS:
            values["skip"] = _SKIPS[option]
            continue
        key, value = _option(option, text)
        values[key] = value
    if "channels" not in values:
        raise InputError(f"'{text}' lacks its channels, such as _c24")
    return Stage(**values)


def format_architecture(architecture: Architecture) -> str:
    """The whole network in one line that `parse_architecture` reads back."""
    stem, head = architecture.stem, architecture.head
    tokens = [
        f"res{architecture.resolution}",
        f"act_{architecture.activation}",
        f"stem_k{stem.kernel}_s{stem.stride}_c{stem.channels}" + ("_pool" if stem.pool else ""),
        *map(format_stage, architecture.stages),
        f"head_c{head.channels}",
    ]
    if architecture.classes != 1000:
        tokens.append(f"cls{architecture.classes}")
    if architecture.in_channels != 3:
        tokens.append(f"in{architecture.in_channels}")
    if architecture.norm_eps != 1e-3:
        tokens.append(f"eps{_number(architecture.norm_eps)}")
    return " ".join(tokens)


def parse_architecture(text: str | Iterable[str]) -> Architecture:
    """Read a network from one line, or from timm's list of stage strings.

    Stages stand in order; what is not given (resolution, activation, stem, head) takes the
    defaults of `Architecture`, which are EfficientNet-B0's.

    Raises:
        InputError: no stage, or a token that is not understood.
    """
    tokens = text.split() if isinstance(text, str) else list(text)
    values: dict[str, Any] = {}
    stages = [parse_stage(token) for token in tokens if not _read_outer(token, values)]
    return Architecture(stages=tuple(stages), **values)


def _read_outer(token: str, values: dict[str, Any]) -> bool:
    """Read a token that is no stage into `values`; False where it is a stage."""
    if token.startswith("act_"):
        values["activation"] = token.removeprefix("act_")
    elif token.startswith("stem_"):
        values["stem"] = Stem(**_outer_options(token, ("kernel", "stride", "channels")))
    elif token.startswith("head_"):
        values["head"] = Head(**_outer_options(token, ("channels",)))
    elif match := re.fullmatch(r"(res|cls|in)(\d{1,400})", token):
        name = {"res": "resolution", "cls": "classes", "in": "in_channels"}[match.group(1)]
        values[name] = int(match.group(2))
    elif match := re.fullmatch(r"eps(\d+(?:\.\d+)?(?:e-?\d+)?)", token):
        values["norm_eps"] = float(match.group(1))
    else:
        return False
    return True


def _outer_options(token: str, known: tuple[str, ...]) -> dict[str, Any]:
    values: dict[str, Any] = {}
    for option in token.split("_")[1:]:
        if option == "pool" and "stride" in known:
            values["pool"] = True
            continue
        key, value = _option(option, token)
        if key not in known:
            raise InputError(f"'{option}' in '{token}' is not understood")
        values[key] = value
    return values


def _option(option: str, text: str) -> tuple[str, int | float]:
    match = _OPTION.fullmatch(option)
    key = match.group(1) if match else ""
    if match and key in _FLOAT_KEYS:
        return _FLOAT_KEYS[key], float(match.group(2))
    if match and key in _INT_KEYS and match.group(2).isdigit():
        return _INT_KEYS[key], int(match.group(2))
    raise InputError(f"'{option}' in '{text}' is not understood: use r, k, s, e, c, se, noskip")


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)
