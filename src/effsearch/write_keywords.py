"""Writes `keywords.py`, the keywords of the Python functions, from the configurations.

python -m effsearch.write_keywords
"""

import textwrap
from pathlib import Path

from effsearch.gridsearch.compare_scaling.config import ComparisonConfig
from effsearch.gridsearch.config import CoefficientsConfig
from effsearch.gridsearch.scale_config import ScaleOptions
from effsearch.nas.ask_tell import AskTellConfig
from effsearch.nas.bench.config import BenchConfig, BenchObjective
from effsearch.nas.config import BaselineConfig
from effsearch.results.config import Setting, Settings, settings_of
from effsearch.training.runs.config import TrainConfig

NAMED_BY_HAND: dict[str, tuple[str, ...]] = {
    "CoefficientsKeywords": ("baseline",),
    "ComparisonKeywords": ("baseline",),
    "ScaleKeywords": ("baseline", "coefficients", "phis"),
    "TrainKeywords": ("model",),
}
"""Parameters that functions declare themselves, as they are taken by place too."""

CONFIGS: dict[str, tuple[type[Settings], ...]] = {
    "AskTellKeywords": (AskTellConfig,),
    "BaselineKeywords": (BaselineConfig,),
    "BenchKeywords": (BenchConfig, BenchObjective),
    "CoefficientsKeywords": (CoefficientsConfig,),
    "ComparisonKeywords": (ComparisonConfig,),
    "ScaleKeywords": (ScaleOptions,),
    "TrainKeywords": (TrainConfig,),
}
_HEAD = '''"""Keywords of the Python functions; written by `python -m effsearch.write_keywords`."""

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, TypedDict

from effsearch.nas.objective import Objective, RewardFunction
from effsearch.nas.strategies.base import Strategy
from effsearch.search_spaces.space import SearchSpace
from effsearch.search_spaces.zoo import HoldsArchitecture, NetworkLike
from effsearch.training.data.given import LabelledImages
'''
_TYPES = {
    dict: "dict[str, Any]",
    tuple[str, ...]: "Sequence[str]",
    tuple[float, ...]: "Sequence[float]",
    tuple[float, float]: "Sequence[float]",
}


def keywords_text() -> str:
    """The content of `keywords.py`."""
    return _HEAD + "".join(_class(name, *configs) for name, configs in CONFIGS.items())


def _class(name: str, *configs: type[Settings]) -> str:
    lines = [f'\n\nclass {name}(TypedDict, total=False):\n    """{configs[0].__doc__}"""\n']
    known = {key: one for config in configs for key, one in settings_of(config).items()}
    for key, setting in known.items():
        if key not in NAMED_BY_HAND.get(name, ()):
            lines += [f"\n    {key}: {type_text(setting)}\n", _doc(setting.option.help)]
    return "".join(lines)


def type_text(setting: Setting) -> str:
    """The type of a keyword: what the option holds, and the ways to write it."""
    kinds = [] if setting.kind is None else [_TYPES.get(setting.kind) or setting.kind.__name__]
    kinds += ["Path"] if setting.option.is_path else []
    if setting.option.objects is not None:
        kinds += [one for one in setting.option.objects.types.split(" | ") if one not in kinds]
    if setting.words:
        quoted = ", ".join(f'"{word}"' for word in setting.words)
        kinds.append(f"Literal[{quoted}]")
    if setting.option.form is not None and setting.kind not in (dict, None, tuple[str, ...]):
        kinds.append("str")
    return " | ".join([*kinds, "None"] if setting.optional else kinds)


def _doc(text: str) -> str:
    lines = textwrap.wrap(f'"""{text}"""', 94, break_long_words=False)
    return "".join(f"    {line}\n" for line in lines)


if __name__ == "__main__":
    Path(__file__).with_name("keywords.py").write_text(keywords_text(), "utf-8")
