"""Measures on a CUDA device from a process of its own, on the node of a Ray cluster that has it.

The process lives for one call, so that while networks are trained nothing of the meter is left on
the device, and the process that drives the search never starts CUDA. It reserves no GPU: between
batches the trials' idle actors hold all of them, and Ray would wait for these without end. That
nothing trains beside it is up to the caller, who measures where no trial is under way.
"""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

from effsearch.latency.base_meter import Latency
from effsearch.latency.meter import make_meter
from effsearch.latency.table import LatencyTable
from effsearch.nas.latency_trials import measure_in_turn
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, InputError, MissingResourceError
from effsearch.training.trials.outcome import one_line

Found = list[Latency | EffsearchError]


class RemoteMeter:
    """A meter in a Ray worker.

    Args:
        device: `cuda`, `cuda:1`, as the node numbers them, or `cpu`.
        table: whose setting the device has to fit.
        address: of the Ray cluster; None starts Ray on this machine where it does not run.
        options: further ones of `effsearch.latency.base_meter.make_meter`.
    """

    def __init__(
        self, device: str, table: LatencyTable, address: str | None, **options: Any
    ) -> None:
        self._device, self._address = device, address
        self._options = {"device": device} | options
        self._wanted = replace(table, layers={}, networks={})

    def check(self) -> None:
        """Look for a node whose device fits the table.

        Raises:
            InputError: the devices there are do not fit; the message says in what.
            MissingResourceError: there is no such device, or no such cluster.
        """
        self.measure([], [])

    def measure(self, networks: Sequence[Architecture], beside: Sequence[Architecture]) -> Found:
        """As `effsearch.nas.latency_trials.measure_in_turn`.

        Raises:
            EffsearchError: as `check`, or the device fails.
        """
        from effsearch.training.trials.cluster import Resources, cluster

        refusal: EffsearchError = MissingResourceError(
            f"no node of the Ray cluster has the device '{self._device}'"
        )
        with cluster(Resources(address=self._address)):
            for node in _nodes(self._device):
                try:
                    return _measure_on(node, self._options, self._wanted, networks, beside)
                except (InputError, MissingResourceError) as error:
                    refusal = error
        raise refusal


def check_here(device: str) -> None:
    """Look for a CUDA device on this machine, without starting CUDA in this process.

    Raises:
        MissingResourceError: it is not there.
    """
    import torch

    count = torch.cuda.device_count()
    if count < _gpus(device):
        raise MissingResourceError(
            f"there is no device '{device}', this machine has {count} GPUs: measure on the cpu, or "
            "give --ray-address"
        )


def _gpus(device: str) -> int:
    """How many a node has that has the device."""
    kind, _, number = device.partition(":")
    if kind == "cpu":
        return 0
    return 1 + int(number) if number.isdecimal() else 1


def _nodes(device: str) -> list[str]:
    """Ids of the nodes that have a device, this process's own first."""
    import ray

    least = _gpus(device)
    here = ray.get_runtime_context().get_node_id()
    having = [
        node["NodeID"]
        for node in ray.nodes()  # type: ignore[no-untyped-call]
        if node["Alive"] and node["Resources"].get("GPU", 0) >= least
    ]
    return sorted(having, key=lambda node: node != here)


def _measure_on(
    node: str,
    options: dict[str, Any],
    wanted: LatencyTable,
    networks: Sequence[Architecture],
    beside: Sequence[Architecture],
) -> Found:
    """Measure in a worker on a node, which ends with it."""
    import ray
    from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

    how: dict[str, Any] = {
        "num_cpus": 0,
        "max_calls": 1,
        "max_retries": 0,
        "scheduling_strategy": NodeAffinitySchedulingStrategy(node, soft=False),
        # Else Ray hides the GPUs from a worker that has reserved none.
        "runtime_env": {"env_vars": {"RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0"}},
    }
    task: Any = ray.remote(**how)(_measure)
    try:
        found: Found | EffsearchError = ray.get(task.remote(options, wanted, networks, beside))
    except ray.exceptions.RayError as error:
        cause = getattr(error, "cause", None) or error
        raise EffsearchError(
            f"measuring on {options['device']} failed: {one_line(cause)}"
        ) from None
    if isinstance(found, EffsearchError):
        raise found
    return found


def _measure(
    options: dict[str, Any],
    wanted: LatencyTable,
    networks: Sequence[Architecture],
    beside: Sequence[Architecture],
) -> Found | EffsearchError:
    """What the worker does; our errors come back as they are, Ray would wrap them."""
    try:
        meter = make_meter(**options)
        wanted.check_setting(meter.setting)
        return list(measure_in_turn(meter, networks, beside))
    except EffsearchError as error:
        return error
