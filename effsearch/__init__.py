"""effsearch: find an efficient ConvNet for a budget and grow it into a family.

    import effsearch

    result = effsearch.search_baseline(target_flops="400M", samples=48)
    print(result.architecture, result.macs)

Everything here is imported when it is first used, so `import effsearch` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from effsearch.api import (
        compare_scaling,
        load_run,
        resume_baseline,
        resume_coefficients,
        resume_comparison,
        resume_training,
        scale_family,
        search_baseline,
        search_coefficients,
        train,
    )
    from gridsearch.answer import CoefficientsResult
    from gridsearch.comparison import ComparisonResult
    from gridsearch.family import FamilyResult
    from nas.answer import BaselineResult
    from nas.objective import Objective, Target
    from results.run import Run
    from search_spaces.architecture import Architecture, Head, Stage, Stem
    from search_spaces.cost import Cost, cost
    from search_spaces.errors import EffsearchError
    from search_spaces.network import build_network
    from search_spaces.notation import format_architecture, parse_architecture
    from search_spaces.scaling import Coefficients, compound
    from search_spaces.scaling_search import scale_to_cost
    from search_spaces.space import SearchSpace
    from search_spaces.space_file import load_space
    from search_spaces.zoo import load_zoo, zoo_names
    from training.model_file import load_model, read_model_info
    from training.runs.answer import TrainResult

_HOME = {
    "search_baseline": "effsearch.api",
    "resume_baseline": "effsearch.api",
    "search_coefficients": "effsearch.api",
    "resume_coefficients": "effsearch.api",
    "scale_family": "effsearch.api",
    "compare_scaling": "effsearch.api",
    "resume_comparison": "effsearch.api",
    "train": "effsearch.api",
    "resume_training": "effsearch.api",
    "load_run": "effsearch.api",
    "CoefficientsResult": "gridsearch.answer",
    "ComparisonResult": "gridsearch.comparison",
    "FamilyResult": "gridsearch.family",
    "BaselineResult": "nas.answer",
    "Objective": "nas.objective",
    "Target": "nas.objective",
    "TrainResult": "training.runs.answer",
    "load_model": "training.model_file",
    "read_model_info": "training.model_file",
    "Run": "results.run",
    "Architecture": "search_spaces.architecture",
    "Head": "search_spaces.architecture",
    "Stage": "search_spaces.architecture",
    "Stem": "search_spaces.architecture",
    "Cost": "search_spaces.cost",
    "cost": "search_spaces.cost",
    "EffsearchError": "search_spaces.errors",
    "build_network": "search_spaces.network",
    "format_architecture": "search_spaces.notation",
    "parse_architecture": "search_spaces.notation",
    "Coefficients": "search_spaces.scaling",
    "compound": "search_spaces.scaling",
    "scale_to_cost": "search_spaces.scaling_search",
    "SearchSpace": "search_spaces.space",
    "load_space": "search_spaces.space_file",
    "load_zoo": "search_spaces.zoo",
    "zoo_names": "search_spaces.zoo",
}

__all__ = [
    "Architecture",
    "BaselineResult",
    "Coefficients",
    "CoefficientsResult",
    "ComparisonResult",
    "Cost",
    "EffsearchError",
    "FamilyResult",
    "Head",
    "Objective",
    "Run",
    "SearchSpace",
    "Stage",
    "Stem",
    "Target",
    "TrainResult",
    "build_network",
    "compare_scaling",
    "compound",
    "cost",
    "format_architecture",
    "load_model",
    "load_run",
    "load_space",
    "load_zoo",
    "parse_architecture",
    "read_model_info",
    "resume_baseline",
    "resume_coefficients",
    "resume_comparison",
    "resume_training",
    "scale_family",
    "scale_to_cost",
    "search_baseline",
    "search_coefficients",
    "train",
    "zoo_names",
]


def __getattr__(name: str) -> Any:
    if name not in _HOME:
        raise AttributeError(f"module 'effsearch' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
