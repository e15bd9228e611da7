"""effsearch: find an efficient ConvNet for a budget and grow it into a family.

    import effsearch

    result = effsearch.search_baseline(target_flops="400M", samples=48)
    print(result.architecture, result.macs)

Everything here is imported when it is first used, so `import effsearch` costs nothing.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:  # the same once more, for what reads types without running anything
    from effsearch.api import ask_tell as ask_tell
    from effsearch.api import bench as bench
    from effsearch.api import compare_scaling as compare_scaling
    from effsearch.api import compound as compound
    from effsearch.api import cost as cost
    from effsearch.api import format_architecture as format_architecture
    from effsearch.api import load_run as load_run
    from effsearch.api import resume_baseline as resume_baseline
    from effsearch.api import resume_bench as resume_bench
    from effsearch.api import resume_coefficients as resume_coefficients
    from effsearch.api import resume_comparison as resume_comparison
    from effsearch.api import resume_training as resume_training
    from effsearch.api import scale_family as scale_family
    from effsearch.api import scale_to_cost as scale_to_cost
    from effsearch.api import search_baseline as search_baseline
    from effsearch.api import search_coefficients as search_coefficients
    from effsearch.api import train as train
    from effsearch.api_models import build_latency_table as build_latency_table
    from effsearch.api_models import evaluate as evaluate
    from effsearch.api_models import export as export
    from effsearch.api_models import gradcam as gradcam
    from effsearch.api_models import measure_latency as measure_latency
    from effsearch.api_models import profile as profile
    from effsearch.api_runs import pareto as pareto
    from effsearch.api_runs import plot as plot
    from effsearch.api_runs import report as report
    from effsearch.api_runs import top as top
    from effsearch.gridsearch.answer import CoefficientsResult as CoefficientsResult
    from effsearch.gridsearch.compare_scaling.command import ComparisonResult as ComparisonResult
    from effsearch.gridsearch.family import FamilyResult as FamilyResult
    from effsearch.nas.answer import BaselineResult as BaselineResult
    from effsearch.nas.ask_tell import AskTell as AskTell
    from effsearch.nas.objective import Objective as Objective
    from effsearch.nas.objective import Target as Target
    from effsearch.nas.strategies.base import Strategy as Strategy
    from effsearch.results.callbacks import Callback as Callback
    from effsearch.results.callbacks import Stop as Stop
    from effsearch.results.store.run import Run as Run
    from effsearch.search_spaces.architecture import Architecture as Architecture
    from effsearch.search_spaces.cost import Cost as Cost
    from effsearch.search_spaces.errors import EffsearchError as EffsearchError
    from effsearch.search_spaces.network import build_network as build_network
    from effsearch.search_spaces.notation import parse_architecture as parse_architecture
    from effsearch.search_spaces.parts import Head as Head
    from effsearch.search_spaces.parts import Stage as Stage
    from effsearch.search_spaces.parts import Stem as Stem
    from effsearch.search_spaces.scaling import Coefficients as Coefficients
    from effsearch.search_spaces.space import SearchSpace as SearchSpace
    from effsearch.search_spaces.space_builder import block as block
    from effsearch.search_spaces.space_builder import make_space as make_space
    from effsearch.search_spaces.space_builder import stage as stage
    from effsearch.search_spaces.space_file import load_space as load_space
    from effsearch.search_spaces.zoo import as_architecture as as_architecture
    from effsearch.search_spaces.zoo import load_zoo as load_zoo
    from effsearch.search_spaces.zoo import zoo_names as zoo_names
    from effsearch.training.models.create import create_model as create_model
    from effsearch.training.models.model_file import load_model as load_model
    from effsearch.training.models.model_file import read_model_info as read_model_info
    from effsearch.training.runs.answer import TrainResult as TrainResult

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
    "Head": "effsearch.search_spaces.parts",
    "Stage": "effsearch.search_spaces.parts",
    "Stem": "effsearch.search_spaces.parts",
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

if not TYPE_CHECKING:  # what reads types takes the names above
    __all__ = sorted(_HOME)


def __getattr__(name: str) -> Any:
    if name == "plots":
        return import_module("effsearch.plots")
    if name not in _HOME:
        raise AttributeError(f"module 'effsearch' has no attribute '{name}'")
    value = getattr(import_module(_HOME[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted(_HOME)
