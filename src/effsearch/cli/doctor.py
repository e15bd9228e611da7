"""`effsearch doctor`: versions, devices, places, Ray, and what is missing."""

import os
import platform
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from importlib import import_module
from typing import Annotated, Any

import typer

from effsearch.cli.options import Json, print_document
from effsearch.search_spaces.errors import EffsearchError

_NEEDED = (
    "effsearch", "torch", "ray", "optuna", "pandas", "numpy", "fvcore", "scikit-learn",
    "matplotlib", "scipy", "threadpoolctl", "pyarrow", "pillow", "safetensors", "pyyaml",
    "typer", "rich", "packaging",
)  # fmt: skip
_EXTRAS = {
    "onnx": ("onnx", "onnxscript", "onnxruntime"),
    "hf": ("datasets", "huggingface_hub"),
    "timm": ("timm",),
    "plotly": ("plotly",),
    "loggers": ("tensorboardx", "wandb", "mlflow-skinny"),
}
_MARKS = {"ok": "", "note": " (note)", "problem": " (problem)"}
_IMPORTED = {"pictures": "matplotlib.figure"}


def doctor(
    ray_address: Annotated[str | None, typer.Option(help="Ray cluster to check too.")] = None,
    as_json: Json = False,
) -> None:
    """Check this machine: what it has, what searches, trainings or pictures lack, and the cure.

    Exit code 1 where something needed is missing or broken; extras may be missing.
    """
    from effsearch.cli.places import look_at_places
    from effsearch.results.terminal import print_table

    versions = {name: _version(name) for name in _NEEDED}
    problems = [
        f"{name} is not installed: pip install {name}" for name, v in versions.items() if not v
    ]
    problems += _too_old(versions)
    places = look_at_places()
    problems += [f"{one.what}: {one.said}" for one in places if one.state == "problem"]
    report: dict[str, Any] = {
        "python": platform.python_version(),
        "cores": os.cpu_count(),
        "versions": versions,
        "extras": {name: _extra(name, packages) for name, packages in _EXTRAS.items()},
        "imports": {name: _imports(module, problems) for name, module in _IMPORTED.items()},
        "torch": _torch(problems),
        "places": [asdict(one) for one in places],
        "ray": _ray(ray_address, problems),
        "problems": problems,
    }
    if as_json:
        print_document(report)
    else:
        flat = {key: value for key, value in report.items() if not isinstance(value, dict | list)}
        for section in ("versions", "extras", "imports", "torch", "ray"):
            flat |= {f"{section}: {key}": value for key, value in (report[section] or {}).items()}
        flat |= {f"{one.what}{_MARKS[one.state]}": one.said for one in places}
        print_table(("", ""), [(key, str(value)) for key, value in flat.items()])
        print("\n".join(problems) or "nothing is missing")
    if problems:
        raise typer.Exit(1)


def _version(package: str) -> str | None:
    from importlib import metadata  # slow, and every command imports this module

    try:
        return metadata.version(package)
    except metadata.PackageNotFoundError:
        return None


def _too_old(versions: Mapping[str, str | None]) -> list[str]:
    """Packages that are older than this program was made for, with the cure."""
    from importlib import metadata

    from packaging.requirements import Requirement

    try:
        wanted = [Requirement(one) for one in metadata.requires("effsearch") or ()]
    except metadata.PackageNotFoundError:
        return []
    return [
        f"{one.name} {found} is too old: pip install --upgrade '{one.name}{one.specifier}'"
        for one in wanted
        if (found := versions.get(one.name)) and not one.specifier.contains(found, prereleases=True)
    ]


def _extra(name: str, packages: Sequence[str]) -> str:
    """The versions of an extra's packages, or how to get what is missing of it."""
    versions = {package: _version(package) for package in packages}
    if missing := [package for package, found in versions.items() if not found]:
        return f"no {', '.join(missing)}: pip install 'effsearch[{name}]' where you want it"
    return ", ".join(f"{package} {found}" for package, found in versions.items())


def _imports(module: str, problems: list[str]) -> str:
    """Whether a package that is installed works too."""
    try:
        import_module(module)
    except Exception as error:  # a broken installation can fail in any way
        problems.append(f"{module} does not import: {error}")
        return "broken"
    return "ok"


def _torch(problems: list[str]) -> dict[str, Any] | None:
    try:
        torch = import_module("torch")
    except ImportError as error:
        problems.append(f"torch does not import: {error}")
        return None
    devices = [torch.cuda.get_device_name(i) for i in range(torch.cuda.device_count())]
    return {
        "cuda build": torch.version.cuda or "none (CPU build)",
        "cuda devices": devices or "none",
        "bf16": bool(devices) and torch.cuda.is_bf16_supported(),
    }


def _ray(address: str | None, problems: list[str]) -> dict[str, Any] | None:
    try:
        from effsearch.training.trials.cluster import Resources, cluster
    except ImportError as error:
        problems.append(f"ray does not import: {error}")
        return None
    try:
        with cluster(Resources(address=address)) as have:
            return {"CPU": have.get("CPU", 0), "GPU": have.get("GPU", 0), "nodes": _nodes(have)}
    except EffsearchError as error:
        problems.append(str(error))
        return None


def _nodes(have: dict[str, float]) -> int:
    return sum(key.startswith("node:") and "__internal" not in key for key in have)
