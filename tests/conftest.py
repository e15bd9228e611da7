"""What whole-search tests share: a Ray for the process; `searches` lies beside this file."""

import importlib
import inspect
import os
import signal
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType

import pytest
import torch

sys.path.insert(0, str(Path(__file__).parent))

# Before torch and numpy are loaded, here and in all that tests start: workers that share the cores
# and take two threads each wait for one another many times as long as they compute.
os.environ.setdefault("OMP_NUM_THREADS", "1")

# Ray runs its workers at niceness 15: beside other tests on all cores they would hardly run at all.
os.environ.setdefault("RAY_worker_niceness", "0")

# Shells start background jobs deaf to Ctrl-C, and nohup to a hang-up, and so would be the commands
# that tests stop by them.
for number, handler in (
    (signal.SIGINT, signal.default_int_handler),
    (signal.SIGHUP, signal.SIG_DFL),
):
    if signal.getsignal(number) is signal.SIG_IGN:
        signal.signal(number, handler)


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_auto_num_workers() -> int:
    """One worker more than cores, since tests also wait for what they start; at most four."""
    return min(len(os.sched_getaffinity(0)) + 1, 4)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark what `make quick` leaves out by what a test uses, so that no test need say it."""
    for item in items:
        if not isinstance(item, pytest.Function):
            continue
        if "ray_address" in item.fixturenames:
            item.add_marker("ray")
        names = vars(item.module)
        if "subprocess" in names or inspect.isfunction(names.get("effsearch")):
            item.add_marker("process")


@pytest.fixture(scope="session")
def ray_address() -> Iterator[str]:
    """A Ray with two CPUs, joined by this process; the address at which others join it."""
    import ray
    from ray._private.node import Node

    # "local", because without an address Ray joins whatever cluster it finds on this machine. It
    # has no GPU wherever the tests run: they count on what fits. What adds machines and what prints
    # workers' logs is left out: together they take more of a core than some of the tests.
    quiet = {"include_dashboard": False, "log_to_driver": False, "logging_level": "ERROR"}
    with pytest.MonkeyPatch.context() as patched:
        for name in ("start_monitor", "start_log_monitor"):
            patched.setattr(Node, name, lambda node: None, raising=False)
        ray.init("local", num_cpus=2, num_gpus=0, **quiet)
    yield ray.get_runtime_context().gcs_address
    ray.shutdown()


@pytest.fixture(scope="session")
def import_vision() -> Callable[[str], ModuleType]:
    """Import torchvision or timm, beside a CPU build of torch too, or skip with the reason."""
    library = torch.library.Library("torchvision", "FRAGMENT")

    def load(module: str) -> ModuleType:
        # torchvision's wheel for CUDA fails beside torch for CPU because its operators are
        # missing; their schemas are all that the import asks for.
        for schema in (
            "nms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
            "qnms(Tensor dets, Tensor scores, float iou_threshold) -> Tensor",
        ):
            name = schema.partition("(")[0]
            if not hasattr(torch.ops.torchvision, name):
                library.define(schema)
        try:
            return importlib.import_module(module)
        except Exception as error:
            pytest.skip(f"{module} does not import here: {type(error).__name__}: {error}")

    return load
