"""Ray for trials: started on this machine or joined, and how many trials fit into it."""

import logging
import math
import os
import signal
import socket
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, redirect_stdout
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# Not over what `tune_runner` says, whichever of the two is imported first.
os.environ.setdefault("RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO", "0")

import ray

from effsearch.results.store.signals import deaf_children, held_back
from effsearch.search_spaces.errors import ClusterLostError, MissingResourceError
from effsearch.training.trials.own_ray import (
    abandon,
    claim_session,
    exposure,
    marked_processes,
    own_token,
    quiet_ray,
    shut_down,
    start,
    sweep_sessions,
    use_known_token,
)
from effsearch.training.trials.ray_watch import watched

TRIALS_PER_GPU = 4

_CONNECT_SECONDS = 5.0

_LONGEST_FOLDER = 107 - len("/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store.1")
"""Bytes that the path of Ray's folder may have: a UNIX socket's path has 107 at most."""

_SHORT_FOLDERS = ("/tmp", "/var/tmp", "/dev/shm")


@dataclass(frozen=True, kw_only=True)
class Resources:
    """What the trials may use.

    Attributes:
        workers: trials at a time; None for one a CPU, or four a GPU where trials use GPUs.
        cpus_per_trial: CPU cores, and threads, of one trial.
        gpus_per_trial: GPUs of one trial, fractions allowed; None for none.
        address: of a Ray cluster; None starts Ray on this machine.
        shares_gpus: trials that were given no `gpus_per_trial` share the GPUs there are.
    """

    workers: int | None = None
    cpus_per_trial: int = 1
    gpus_per_trial: float | None = None
    address: str | None = None
    shares_gpus: bool = False


@dataclass(frozen=True)
class Session:
    """A running Ray: how many trials at a time, and what each of them takes."""

    workers: int
    cpus_per_trial: int
    gpus_per_trial: float


@contextmanager
def cluster(resources: Resources) -> Iterator[dict[str, float]]:
    """Start or join Ray and yield what it has, by resource name.

    Raises:
        MissingResourceError: no cluster answers at the address, or none could be started.
        ClusterLostError: it went away under way.
    """
    logging.getLogger("ray").setLevel(logging.ERROR)
    # Tune logs lost trials as errors; here they are run again, and recorded if that fails too.
    logging.getLogger("ray.tune").setLevel(logging.CRITICAL)
    if resources.address is not None:
        _check_port(resources.address)
    with ExitStack() as stack:
        owned = not ray.is_initialized()
        local = owned and resources.address is None
        if local:
            stack.enter_context(own_token())
            stack.enter_context(marked_processes())
            stack.enter_context(quiet_ray())
        if owned:
            stack.enter_context(_leaving_ray())
            # Ray stopped half-way up crashes the interpreter. It also takes SIGTERM for itself.
            with held_back(), deaf_children(signal.SIGHUP, signal.SIGTERM):
                _start_ray(resources)
        if local:
            claim_session()
            if why := exposure():
                print(why, file=sys.stderr, flush=True)
        stack.enter_context(watched(local))
        have: dict[str, float] = ray.cluster_resources()  # type: ignore[no-untyped-call]
        # Ray reports lost workers on stdout, which is for data.
        with redirect_stdout(sys.stderr):
            yield have


@contextmanager
def _leaving_ray() -> Iterator[None]:
    """Shut Ray down after the block; one that is lost is left without a word to it."""
    try:
        yield
    except ClusterLostError:
        abandon()
        raise
    except BaseException:
        with held_back():
            shut_down()
        raise
    with held_back():
        shut_down()


@contextmanager
def ray_session(resources: Resources) -> Iterator[Session]:
    """Start or join Ray and see what fits.

    Raises:
        MissingResourceError: no such cluster, or it lacks the GPUs or CPUs of a single trial.
    """
    with cluster(resources) as have:
        yield fit_resources(resources, have)


def _start_ray(resources: Resources) -> None:
    quiet: dict[str, Any] = {"log_to_driver": False, "logging_level": "ERROR"}
    if resources.address is None:
        cores = os.cpu_count() or 1
        wanted = (resources.workers or 1) * resources.cpus_per_trial
        folder = ray_folder()
        sweep_sessions(folder)
        start(num_cpus=max(cores, wanted), _temp_dir=str(folder), **quiet)
        return
    try:
        _knock(resources.address)
        use_known_token()
        ray.init(address=resources.address, **quiet)
    except (OSError, ValueError, RuntimeError) as error:
        raise MissingResourceError(
            f"no Ray cluster answers at '{resources.address}': {str(error).splitlines()[0]}"
        ) from None


def ray_folder() -> Path:
    """Where a Ray of our own keeps its sockets and logs: `ray` below the folder for temporary
    files, or below a shorter one where that path is too long for a socket or not ours to write.

    Raises:
        MissingResourceError: there is no such folder.
    """
    user = os.getuid()
    usual = Path(tempfile.gettempdir(), "ray")
    for folder in (usual, *(Path(short, f"ray-{user}") for short in _SHORT_FOLDERS)):
        if len(os.fsencode(folder)) > _LONGEST_FOLDER:
            continue
        there = folder if folder.exists() else folder.parent
        if os.access(there, os.W_OK | os.X_OK):
            return folder
    raise MissingResourceError(
        f"Ray needs a folder with a short path that it may write: neither {usual} nor any of "
        f"{', '.join(_SHORT_FOLDERS)} is one; set TMPDIR"
    )


def _knock(address: str) -> None:
    """Whether anything listens there: Ray itself would try for minutes.

    Raises:
        OSError: nothing does.
    """
    host, colon, port = _split(address)
    if colon:
        socket.create_connection((host.strip("[]"), int(port)), _CONNECT_SECONDS).close()


def _split(address: str) -> tuple[str, str, str]:
    """Host, colon and port; where there is no colon all is port."""
    return address.removeprefix("ray://").rpartition(":")


def _check_port(address: str) -> None:
    """Also where a Ray runs already, which is then taken.

    Raises:
        MissingResourceError: it has a port that is none.
    """
    _, colon, port = _split(address)
    if colon and not (port.isdecimal() and len(port) <= 5 and 0 < int(port) < 2**16):
        raise MissingResourceError(
            f"no Ray cluster answers at '{address}': "
            f"'{port}' is not a port: give HOST:PORT, such as localhost:6379"
        )


def _fitting_on(gpus: float, wanted: float) -> int:
    """Trials that fit on so many GPUs; a share of a GPU lies on one of them."""
    return int(gpus // wanted) if wanted >= 1 else int(gpus) * int(1 / wanted + 1e-9)


def fit_resources(resources: Resources, have: dict[str, float]) -> Session:
    """How many trials fit, by what was asked for and what the cluster has."""
    cpus, gpus = have.get("CPU", 0.0), have.get("GPU", 0.0)
    wanted = resources.gpus_per_trial
    if wanted and wanted > gpus:
        raise MissingResourceError(
            f"a trial needs {wanted:g} GPU but Ray sees {gpus:g}: "
            "leave --gpus-per-trial out to train on the CPU"
        )
    if resources.cpus_per_trial > cpus:
        raise MissingResourceError(
            f"a trial needs {resources.cpus_per_trial} CPUs but Ray sees {cpus:g}"
        )
    fitting = int(cpus // resources.cpus_per_trial)
    if wanted is None and gpus and resources.shares_gpus:
        # Small networks leave most of a GPU idle, so several trials share one.
        fitting = min(fitting, resources.workers or int(TRIALS_PER_GPU * gpus))
        wanted = int(1e4 / math.ceil(fitting / gpus)) / 1e4
    if wanted:
        fitting = min(fitting, _fitting_on(gpus, wanted))
    return Session(
        max(1, min(resources.workers or fitting, fitting)), resources.cpus_per_trial, wanted or 0.0
    )
