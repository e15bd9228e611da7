"""Architectures in one line: timm's notation for stages, and tokens around it for the rest.

    res224 act_silu stem_k3_s2_c32 ds_r1_k3_s1_c16_se0.25 … head_c1280

A stage is `op_r<layers>_k<kernel>_s<stride>_e<expand>_c<channels>_se<ratio>` with `_noskip`,
`_skip` or `_pool` behind it, `_nre`, `_nr6`, `_nsw` or `_nhs` for an activation of its own, `_gs4`
for groups of 4 channels, and its kind of squeeze-excite, such as `_mobilenetv3` (`se_mobilenetv3`
among the stages sets it for all). A kernel may be several that share the channels (`k3.5.7`), `a`
and `p` are kernels before and behind the spatial one (`a1.1_p1.1`), `cc4` mixes 4 experts. Around
the stages stand also `norm_layer`, `norm_group8` and `pad_same`; a stem may be `_deep` or
`_deep_tiered`, and have a `_pool`. Operations: `cn` convolution (no skip unless `_skip`), `dsa`
MobileNetV1's separable convolution (the same), `ds` and `ir` MBConv without and with expansion
(which an `e1` keeps), `er` Fused-MBConv (the same), `uir` MobileNetV4's universal inverted
bottleneck, and three of our own: `bs` and `bt` ResNet's basic block and bottleneck, `id` identity.
"""

import re
from collections.abc import Iterable
from dataclasses import replace
from functools import lru_cache
from typing import Any, get_args

from effsearch.search_spaces.activations import ACTIVATIONS
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.block import Kernel, Skip, format_kernel
from effsearch.search_spaces.errors import InputError, unknown_name
from effsearch.search_spaces.operations import OPERATIONS
from effsearch.search_spaces.parts import Head, Pooled, Sizes, Stage, Stem, StemKind
from effsearch.search_spaces.squeeze import SQUEEZES
from effsearch.search_spaces.stage_blocks import sizes_differ

_SKIPS: dict[str, Skip] = {"noskip": "none", "skip": "identity", "pool": "pool"}
_SUFFIXES: dict[Skip, str] = {skip: suffix for suffix, skip in _SKIPS.items()}

_NAMED: dict[str, tuple[str, Any]] = {
    **{suffix: ("skip", skip) for suffix, skip in _SKIPS.items()},
    **{f"n{entry.code}": ("activation", name) for name, entry in ACTIVATIONS.items()},
    **{name: ("squeeze", name) for name in SQUEEZES},
    **{sizes: ("sizes", sizes) for sizes in get_args(Sizes)},
}
_POOLED: dict[Pooled, str] = {"bias": "_pooled", "norm": "_poolednorm", "plain": "_pooledplain"}
_POOLINGS = {suffix.removeprefix("_"): pooled for pooled, suffix in _POOLED.items()}

_STEMS: dict[str, StemKind] = {"deep": "deep", "tiered": "deep_tiered"}

_INT_KEYS = {
    "r": "layers",
    "s": "stride",
    "c": "channels",
    "gs": "group_size",
    "cc": "experts",
}
_FLOAT_KEYS = {"e": "expand", "se": "se"}
_KERNEL_KEYS = {"k": "kernel", "a": "kernel_before", "p": "kernel_after"}
_KERNELS = re.compile(r"([kap])(\d{1,9}(?:\.\d{1,9})*)")
_OPTION = re.compile(r"([a-z]+)(\d{1,400}(?:\.\d+)?(?:e-?\d+)?)")


@lru_cache(maxsize=2**16)
def format_stage(stage: Stage) -> str:
    """One stage in timm's notation, such as `ir_r2_k3_s2_e6_c24_se0.25`."""
    operation = OPERATIONS[stage.op]
    code = operation.unexpanded_code if stage.expand == 1 else None
    joined = "+" if stage.joined else ""
    parts = [f"{joined}{code or operation.code}", f"r{stage.layers}"]
    parts.append(f"k{format_kernel(stage.kernel)}")
    parts += [
        f"{key}{format_kernel(kernel)}"
        for key, kernel in (("a", stage.kernel_before), ("p", stage.kernel_after))
        if kernel
    ]
    parts.append(f"s{stage.stride}")
    if stage.expand != 1 or operation.expanded:
        parts.append(f"e{_number(stage.expand)}")
    parts.append(f"c{stage.channels}")
    if stage.se:
        parts.append(f"se{_number(stage.se)}")
    if stage.squeeze != "efficientnet":
        parts.append(stage.squeeze)
    if stage.group_size:
        parts.append(f"gs{stage.group_size}")
    if stage.experts:
        parts.append(f"cc{stage.experts}")
    if stage.activation:
        parts.append("n" + ACTIVATIONS[stage.activation].code)
    if stage.skip != operation.default_skip:
        parts.append(_SUFFIXES[stage.skip])
    if stage.sizes != "exact":
        parts.append(stage.sizes)
    return "_".join(parts)


@lru_cache(maxsize=2**16)
def parse_stage(text: str) -> Stage:
    """Read one stage from timm's notation; a `+` in front joins it to the stage before.

    Alone it does not say its input channels, so its widths are `exact` unless it ends in `_timm`.

    Raises:
        InputError: an operation or option that is not known, or channels missing.
    """
    code, *options = text.removeprefix("+").split("_")
    operations = {code: made for made in OPERATIONS.values() for code in made.codes}
    if code not in operations:
        raise unknown_name("operation", code, operations, where=f" in '{text}'")
    operation = operations[code]
    values: dict[str, Any] = {"op": operation.name, "skip": operation.default_skip}
    for option in options:
        key, value = _NAMED.get(option) or _option(option, text)
        values[key] = value
    if "channels" not in values:
        raise InputError(f"'{text}' lacks its channels, such as _c24")
    expand = values.get("expand")
    if expand == 1 and code == operation.code and operation.kept:
        values["op"] = operation.kept
    if values.get("experts") and code == operation.unexpanded_code:
        raise InputError(f"'{text}' has experts, and {code} does not: write {operation.code}_…")
    if expand not in (None, 1) and code == operation.unexpanded_code:
        raise InputError(f"'{text}' expands, and {code} does not: write {operation.code}_…")
    return Stage(**values, joined=text.startswith("+"))


def format_stem(stem: Stem) -> str:
    """The stem in the line of its network, such as `stem_k7_s2_c64_pool`."""
    kind = "" if stem.kind == "plain" else f"_{stem.kind}"
    pool = "_pool" if stem.pool else ""
    return f"stem_k{stem.kernel}_s{stem.stride}_c{stem.channels}{kind}{pool}"


def format_architecture(architecture: Architecture) -> str:
    """The whole network in one line that `parse_architecture` reads back.

    Example:
        >>> import effsearch
        >>> effsearch.format_architecture(effsearch.load_zoo("mobilenet-v2")).split()[-2:]
        ['ir_r1_k3_s1_e6_c320', 'head_c1280']
    """
    stem, head = architecture.stem, architecture.head
    tokens = [
        f"res{architecture.resolution}",
        f"act_{architecture.activation}",
        format_stem(stem),
    ]
    channels = stem.channels
    for stage in architecture.stages:
        exact = stage.sizes == "exact" and sizes_differ(stage, channels)
        tokens.append(format_stage(stage) + ("_exact" if exact else ""))
        channels = stage.channels
    tokens.append(f"head_c{head.channels}" + (_POOLED[head.pooled] if head.pooled else ""))
    if architecture.classes != 1000:
        tokens.append(f"cls{architecture.classes}")
    if architecture.in_channels != 3:
        tokens.append(f"in{architecture.in_channels}")
    if architecture.norm_eps != 1e-3:
        tokens.append(f"eps{_number(architecture.norm_eps)}")
    if architecture.norm != "batch":
        tokens.append(f"norm_{architecture.norm}")
    if architecture.padding != "symmetric":
        tokens.append(f"pad_{architecture.padding}")
    return " ".join(tokens)


def parse_architecture(text: str | Iterable[str | Iterable[str]]) -> Architecture:
    """Read a network from one line, or from timm's list of stage strings, nested or not.

    Stages stand in order; what is not given (resolution, activation, stem, head) takes the
    defaults of `Architecture`, which are EfficientNet-B0's. Stages mean what timm means by them:
    hidden widths are rounded to multiples of 8 (`_timm`, unless they end in `_exact`). A list may
    also be pasted as text from Python's source.

    Raises:
        InputError: no stage, a token that is not understood, or a whole line, as this program
            writes them, whose widths it read otherwise before it could say `_exact`.

    Example:
        >>> import effsearch
        >>> network = effsearch.parse_architecture("ds_r1_k3_s1_c16 ir_r2_k3_s2_e6_c24_se0.25")
        >>> [(stage.op, stage.layers, stage.channels) for stage in network.stages]
        [('mbconv', 1, 16), ('mbconv', 2, 24)]
    """
    tokens, values, stages = _read(text)
    whole = {"resolution", "activation", "stem", "head"} <= values.keys()
    made: list[Stage] = []
    channels = values.get("stem", Stem()).channels
    for token, stage in zip(tokens, stages, strict=True):
        if not token.endswith(("_exact", "_timm")) and sizes_differ(stage, channels):
            if whole:
                raise InputError(
                    f"'{token}' behind {channels} channels is ambiguous: end it in _timm for "
                    "widths rounded as timm rounds them, in _exact for whole channels"
                )
            stage = replace(stage, sizes="timm")
        made.append(stage)
        channels = stage.channels
    return Architecture(stages=tuple(made), **values)


def parse_stored(text: str) -> Architecture:
    """Read a line that `format_architecture` wrote, of whatever version: widths are exact unless
    a stage says otherwise.

    Raises:
        InputError: no stage, or a token that is not understood.
    """
    _, values, stages = _read(text)
    return Architecture(stages=tuple(stages), **values)


def _read(
    text: str | Iterable[str | Iterable[str]],
) -> tuple[list[str], dict[str, Any], list[Stage]]:
    """The tokens of the stages, what stands around them, and the stages as each alone is read."""
    values: dict[str, Any] = {}
    tokens = [token for token in _tokens(text) if not _read_outer(token, values)]
    squeeze = values.pop("squeeze", None)
    stages = [parse_stage(token) for token in tokens]
    if squeeze:
        stages = [
            replace(stage, squeeze=squeeze)
            if stage.se and stage.squeeze == "efficientnet"
            else stage
            for stage in stages
        ]
    return tokens, values, stages


def _tokens(text: str | Iterable[str | Iterable[str]]) -> list[str]:
    if isinstance(text, str):
        if "[" not in text:
            return text.split()
        # A list as it stands in Python's source, with its comments; what is around it stays.
        text = re.sub(r"#[^\n]*", "", text)
        first_bracket, last_bracket = text.find("["), text.rfind("]")
        if not 0 <= first_bracket < last_bracket:  # no list after all: its token is refused
            return text.split()
        lists = re.sub(r"['\",\s]+", " ", text[first_bracket : last_bracket + 1])
        around = f"{text[:first_bracket]} {text[last_bracket + 1 :]}".split()
        inner = re.sub(r"\s*([\[\]])\s*", r" \1 ", lists).split()
        depth, tokens, first = 0, [], True
        for token in inner:
            if token in "[]":
                depth += 1 if token == "[" else -1
                first = True
            else:
                tokens.append(token if first or depth < 2 else f"+{token}")
                first = False
        return around + tokens
    tokens = []
    for item in text:
        if isinstance(item, str):
            tokens.append(item)
        else:
            tokens += [("+" if place else "") + token for place, token in enumerate(item)]
    return tokens


def _read_outer(token: str, values: dict[str, Any]) -> bool:
    """Read a token that is no stage into `values`; False where it is a stage."""
    if token.startswith("act_"):
        values["activation"] = token.removeprefix("act_")
    elif token.startswith("stem_"):
        values["stem"] = Stem(**_outer_options(token, ("kernel", "stride", "channels")))
    elif token.startswith("head_"):
        values["head"] = Head(**_outer_options(token, ("channels", "pooled")))
    elif token.startswith("se_"):
        values["squeeze"] = token.removeprefix("se_")
    elif token.startswith("norm_"):
        values["norm"] = token.removeprefix("norm_")
    elif token.startswith("pad_"):
        values["padding"] = token.removeprefix("pad_")
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
        if "stride" in known and (option == "pool" or option in _STEMS):
            values |= {"pool": True} if option == "pool" else {"kind": _STEMS[option]}
            continue
        if option in _POOLINGS and "pooled" in known:
            values["pooled"] = _POOLINGS[option]
            continue
        key, value = _option(option, token)
        if key not in known:
            raise InputError(f"'{option}' in '{token}' is not understood")
        values[key] = value
    return values


def _option(option: str, text: str) -> tuple[str, Kernel | float]:
    if kernels := _KERNELS.fullmatch(option):
        key, sides = kernels.groups()
        found = tuple(int(side) for side in sides.split("."))
        return _KERNEL_KEYS[key], found if len(found) > 1 else found[0]
    match = _OPTION.fullmatch(option)
    key = match.group(1) if match else ""
    if match and key in _FLOAT_KEYS:
        return _FLOAT_KEYS[key], float(match.group(2))
    if match and key in _INT_KEYS and match.group(2).isdigit():
        return _INT_KEYS[key], int(match.group(2))
    raise InputError(
        f"'{option}' in '{text}' is not understood: use r, k, a, p, s, e, c, se, gs, cc, "
        "noskip, and nre, nr6, nsw or nhs"
    )


def _number(value: float) -> str:
    return repr(int(value)) if value == int(value) else repr(value)
