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
        ask_tell,
        bench,
        compare_scaling,
        compound,
        cost,
        format_architecture,
        load_run,
        resume_baseline,
        resume_bench,
        resume_coefficients,
        resume_comparison,
        resume_training,
        scale_family,
        scale_to_cost,
        search_baseline,
        search_coefficients,
        train,
    )
    from effsearch.api_models import (
        build_latency_table,
        evaluate,
        export,
        gradcam,
        measure_latency,
        profile,
    )
    from effsearch.api_runs import pareto, plot, report, top
    from effsearch.gridsearch.answer import CoefficientsResult
    from effsearch.gridsearch.compare_scaling.command import ComparisonResult
    from effsearch.gridsearch.family import FamilyResult
    from effsearch.nas.answer import BaselineResult
    from effsearch.nas.ask_tell import AskTell
    from effsearch.nas.objective import Objective, Target
    from effsearch.nas.strategies.base import Strategy
    from effsearch.results.callbacks import Callback, Stop
    from effsearch.results.store.run import Run
    from effsearch.search_spaces.architecture import Architecture, Head, Stage, Stem
    from effsearch.search_spaces.cost import Cost
    from effsearch.search_spaces.errors import EffsearchError
    from effsearch.search_spaces.network import build_network
    from effsearch.search_spaces.notation import parse_architecture
    from effsearch.search_spaces.scaling import Coefficients
    from effsearch.search_spaces.space import SearchSpace
    from effsearch.search_spaces.space_builder import block, make_space, stage
    from effsearch.search_spaces.space_file import load_space
    from effsearch.search_spaces.zoo import as_architecture, load_zoo, zoo_names
    from effsearch.training.models.create import create_model
    from effsearch.training.models.model_file import load_model, read_model_info
    from effsearch.training.runs.answer import TrainResult

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
    "ask_tell": "effsearch.api",
    "bench": "effsearch.api",
    "resume_bench": "effsearch.api",
    "evaluate": "effsearch.api_models",
    "export": "effsearch.api_models",
    "gradcam": "effsearch.api_models",
    "profile": "effsearch.api_models",
    "measure_latency": "effsearch.api_models",
    "build_latency_table": "effsearch.api_models",
    "report": "effsearch.api_runs",
    "plot": "effsearch.api_runs",
    "pareto": "effsearch.api_runs",
    "top": "effsearch.api_runs",
    "create_model": "effsearch.training.models.create",
    "AskTell": "effsearch.nas.ask_tell",
    "Callback": "effsearch.results.callbacks",
    "Stop": "effsearch.results.callbacks",
    "Strategy": "effsearch.nas.strategies.base",
    "as_architecture": "effsearch.search_spaces.zoo",
    "make_space": "effsearch.search_spaces.space_builder",
    "stage": "effsearch.search_spaces.space_builder",
    "block": "effsearch.search_spaces.space_builder",
    "CoefficientsResult": "effsearch.gridsearch.answer",
    "ComparisonResult": "effsearch.gridsearch.compare_scaling.command",
    "FamilyResult": "effsearch.gridsearch.family",
    "BaselineResult": "effsearch.nas.answer",
    "Objective": "effsearch.nas.objective",
    "Target": "effsearch.nas.objective",
    "TrainResult": "effsearch.training.runs.answer",
    "load_model": "effsearch.training.models.model_file",
    "read_model_info": "effsearch.training.models.model_file",
    "Run": "effsearch.results.store.run",
    "Architecture": "effsearch.search_spaces.architecture",
    "Head": "effsearch.search_spaces.architecture",
    "Stage": "effsearch.search_spaces.architecture",
    "Stem": "effsearch.search_spaces.architecture",
    "Cost": "effsearch.search_spaces.cost",
    "cost": "effsearch.api",
    "EffsearchError": "effsearch.search_spaces.errors",
    "build_network": "effsearch.search_spaces.network",
    "format_architecture": "effsearch.api",
    "parse_architecture": "effsearch.search_spaces.notation",
    "Coefficients": "effsearch.search_spaces.scaling",
    "compound": "effsearch.api",
    "scale_to_cost": "effsearch.api",
    "SearchSpace": "effsearch.search_spaces.space",
    "load_space": "effsearch.search_spaces.space_file",
    "load_zoo": "effsearch.search_spaces.zoo",
    "zoo_names": "effsearch.search_spaces.zoo",
}

__all__ = [
    "Architecture",
    "AskTell",
    "BaselineResult",
    "Callback",
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
    "Stop",
    "Strategy",
    "Target",
    "TrainResult",
    "as_architecture",
    "ask_tell",
    "bench",
    "block",
    "build_latency_table",
    "build_network",
    "compare_scaling",
    "compound",
    "cost",
    "create_model",
    "evaluate",
    "export",
    "format_architecture",
    "gradcam",
    "load_model",
    "load_run",
    "load_space",
    "load_zoo",
    "make_space",
    "measure_latency",
    "pareto",
    "parse_architecture",
    "plot",
    "profile",
    "read_model_info",
    "report",
    "resume_baseline",
    "resume_bench",
    "resume_coefficients",
    "resume_comparison",
    "resume_training",
    "scale_family",
    "scale_to_cost",
    "search_baseline",
    "search_coefficients",
    "stage",
    "top",
    "train",
    "zoo_names",
]


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("effsearch.plots")
    if name not in _HOME:
        raise AttributeError(f"module 'effsearch' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return __all__
