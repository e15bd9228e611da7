"""One training on several workers: processes of this machine or of a cluster, run by Ray Train.

Every worker opens the data itself and trains on its share of each batch; gradients and the
statistics of batch normalization are those of the whole batch. What is kept and shown is kept and
shown by the process that started the training.
"""

import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

# Workers stay in the folder they start in: data may be named by a relative path.
os.environ["RAY_CHDIR_TO_TRIAL_DIR"] = "0"

import ray
import ray.train
import ray.train.torch
import torch
from torch import Tensor, nn

from effsearch.results.store.scratch import scratch_folder
from effsearch.search_spaces.errors import EffsearchError, MissingResourceError
from effsearch.training.devices.team import Team
from effsearch.training.distributed.mailbox import GO_ON, STOP, Mailbox, StoppedByCallback
from effsearch.training.loop.reports import OnEpoch, OnStep, TrainingResult
from effsearch.training.loop.trainer import Trainer
from effsearch.training.recipes.recipe import Recipe
from effsearch.training.sources import ImageSource
from effsearch.training.trials.cluster import Resources, cluster

OpenSource = Callable[[torch.device], ImageSource]

_PATIENCE_SECONDS = 60.0


@dataclass(frozen=True, kw_only=True)
class Workers:
    """Who trains.

    Attributes:
        count: of workers, 1 or more; each takes batches of the recipe's `batch_size`.
        gpus: of each worker; None for one where the cluster has GPUs and `device` allows them.
        device: `auto`, `cpu` or `cuda`.
        address: of a Ray cluster; None starts Ray on this machine.
    """

    count: int
    gpus: float | None = None
    device: str = "auto"
    address: str | None = None


@dataclass(frozen=True, kw_only=True)
class _Job:
    """What a worker is told."""

    network: nn.Module
    open_source: OpenSource
    recipe: Recipe
    resolution: int
    seed: int
    saved: tuple[Mapping[str, Tensor], Mapping[str, Any]] | None
    tells_steps: bool


class DistributedTrainer:
    """As `Trainer`, on several workers; used in the same way.

    `state()`, `progress()` and `model_weights()` are those of the first worker and can be called
    by the callbacks of `train` alone.

    Args:
        network: on the CPU; stays as it is, its copies are trained.
        open_source: opens the data on a worker's device; called on every worker, so paths in it
            must be absolute and there on every machine. Travels by Ray's own serialisation.
        resolution, seed: as of `Trainer`.
    """

    def __init__(
        self,
        network: nn.Module,
        open_source: OpenSource,
        recipe: Recipe,
        *,
        resolution: int,
        seed: int,
        workers: Workers,
    ) -> None:
        self._network = network
        self._open_source = open_source
        self._recipe = recipe
        self._resolution = resolution
        self._seed = seed
        self._workers = workers
        self._saved: tuple[Mapping[str, Tensor], Mapping[str, Any]] | None = None
        self._mailbox: Any = None
        self._run: _Run | None = None

    def restore(self, tensors: Mapping[str, Tensor], progress: Mapping[str, Any]) -> None:
        """Continue from what `state()` and `progress()` gave; checked by the workers."""
        self._saved = (tensors, progress)

    def train(
        self, on_step: OnStep | None = None, on_epoch: OnEpoch | None = None
    ) -> TrainingResult:
        """As `Trainer.train`; callbacks are called here, while all workers wait.

        Args:
            on_step: every ten steps and after an epoch's last one.

        Raises:
            MissingResourceError: no cluster at the address, or too few CPUs or GPUs in it.
            EffsearchError: what a worker raised, or a worker was lost.
        """
        resources = Resources(
            workers=self._workers.count,
            cpus_per_trial=self._recipe.threads,
            address=self._workers.address,
        )
        with cluster(resources) as have:
            gpus = self._gpus(have)
            self._mailbox = Mailbox.remote()  # type: ignore[attr-defined]
            self._run = run = _Run(self._trainer(gpus, on_step is not None))
            try:
                return self._serve(on_step, on_epoch)
            except BaseException:
                ray.get(self._mailbox.answer.remote(STOP))
                raise
            finally:
                self._run = None
                run.wait(_PATIENCE_SECONDS)
                ray.kill(self._mailbox)

    def state(self) -> dict[str, Tensor]:
        """As `Trainer.state`."""
        state: dict[str, Tensor] = self._fetch("state")
        return state

    def progress(self) -> dict[str, Any]:
        """As `Trainer.progress`."""
        progress: dict[str, Any] = self._fetch("progress")
        return progress

    def model_weights(self) -> dict[str, Tensor]:
        """As `Trainer.model_weights`."""
        weights: dict[str, Tensor] = self._fetch("model_weights")
        return weights

    def _serve(self, on_step: OnStep | None, on_epoch: OnEpoch | None) -> TrainingResult:
        """Answer the first worker until it is done."""
        callbacks = {"step": on_step, "epoch": on_epoch}
        while True:
            kind, content = self._next_question()
            if kind == "done":
                result: TrainingResult = content
                return result
            callback: Callable[[Any], None] | None = callbacks[kind]
            if callback is not None:
                callback(content)
            ray.get(self._mailbox.answer.remote(GO_ON))

    def _next_question(self) -> tuple[str, Any]:
        run = self._run
        assert run is not None
        while True:
            ended = run.ended
            question: tuple[str, Any] | None = ray.get(self._mailbox.next_question.remote(0.5))
            if question is not None:
                return question
            if ended:
                raise ray.get(self._mailbox.failure.remote()) or EffsearchError(
                    f"a worker was lost or failed: {run.error or 'it ended early'}; too little "
                    "memory is a common cause"
                )

    def _fetch(self, what: str) -> Any:
        """Ask the first worker, which waits for an answer, for something of its trainer."""
        if self._run is None:
            raise RuntimeError(f"{what} is there only while a callback runs")
        ray.get(self._mailbox.answer.remote(what))
        _, (reference,) = self._next_question()
        fetched = ray.get(reference)
        if isinstance(fetched, Exception):
            raise fetched
        return fetched

    def _gpus(self, have: Mapping[str, float]) -> float:
        """GPUs of each worker; Ray would wait for ever for more than there are."""
        wanted, there = self._workers, have.get("GPU", 0.0)
        gpus = wanted.gpus
        if gpus is None:
            gpus = 1.0 if wanted.device == "cuda" or (wanted.device == "auto" and there) else 0.0
        if gpus * wanted.count > there:
            fewer = "give fewer --num-workers, or " if there >= gpus else ""
            without = "use --device cpu" if wanted.gpus is None else "leave --gpus-per-worker out"
            raise MissingResourceError(
                f"{wanted.count} workers with {gpus:g} GPU each were asked for, and Ray sees "
                f"{there:g} GPUs: {fewer}{without}"
            )
        cpus = self._recipe.threads * wanted.count
        if cpus > have.get("CPU", 0.0):
            raise MissingResourceError(
                f"{wanted.count} workers need {cpus} CPUs, and Ray sees {have.get('CPU', 0.0):g}: "
                "give fewer --num-workers"
            )
        return gpus

    def _trainer(self, gpus: float, tells_steps: bool) -> Any:
        job = _Job(
            network=self._network,
            open_source=self._open_source,
            recipe=self._recipe,
            resolution=self._resolution,
            seed=self._seed,
            saved=self._saved,
            tells_steps=tells_steps,
        )
        needed = {"CPU": float(self._recipe.threads)} | ({"GPU": gpus} if gpus else {})
        return ray.train.torch.TorchTrainer(
            _work,
            # Put once: the job is as large as the network and its checkpoint.
            train_loop_config={"job": [ray.put(job)], "mailbox": self._mailbox},
            # Two workers on one GPU are refused by NCCL.
            torch_config=ray.train.torch.TorchConfig(backend="nccl" if gpus >= 1 else "gloo"),
            scaling_config=ray.train.ScalingConfig(
                num_workers=self._workers.count, use_gpu=gpus > 0, resources_per_worker=needed
            ),
        )


class _Run:
    """Ray Train's run in a thread, so that this one can answer the workers."""

    def __init__(self, trainer: Any) -> None:
        self.error: str | None = None
        self._trainer = trainer
        self._thread = threading.Thread(target=self._fit, daemon=True)
        self._thread.start()

    @property
    def ended(self) -> bool:
        return not self._thread.is_alive()

    def wait(self, seconds: float) -> None:
        self._thread.join(seconds)

    def _fit(self) -> None:
        # Ray Train wants a folder for checkpoints, which are written elsewhere.
        with scratch_folder("train") as folder:
            self._trainer.run_config = ray.train.RunConfig(name="train", storage_path=str(folder))
            try:
                self._trainer.fit()
            except Exception as error:
                lines = [line.strip() for line in str(error).splitlines() if line.strip()]
                # Ray goes on for a page; its first sentence says what it was.
                self.error = lines[-1].split(". ")[0] if lines else type(error).__name__


def _work(told: Mapping[str, Any]) -> None:
    """What each worker does."""
    mailbox = told["mailbox"]
    try:
        _train(ray.get(told["job"][0]), mailbox)
    except StoppedByCallback:
        raise
    except Exception as error:
        known = isinstance(error, EffsearchError)
        last = error if known else EffsearchError(f"{type(error).__name__}: {error}")
        ray.get(mailbox.fail.remote(last))
        raise


def _train(job: _Job, mailbox: Any) -> None:
    context = ray.train.get_context()
    team = Team(context.get_world_rank(), context.get_world_size())
    trainer = Trainer(
        job.network,
        job.open_source(ray.train.torch.get_device()),
        job.recipe,
        resolution=job.resolution,
        seed=job.seed,
        team=team,
    )
    if job.saved is not None:
        trainer.restore(*job.saved)

    def tell(kind: str) -> Callable[[Any], None] | None:
        return (lambda report: _ask(mailbox, trainer, kind, report)) if team.leads else None

    result = trainer.train(
        on_step=tell("step") if job.tells_steps else None, on_epoch=tell("epoch")
    )
    if team.leads:
        mailbox.ask.remote("done", result)


def _ask(mailbox: Any, trainer: Trainer, kind: str, report: Any) -> None:
    """Tell of a step or an epoch, and hand out what is asked for until the training may go on."""
    answer = ray.get(mailbox.ask.remote(kind, report))
    while answer not in (GO_ON, STOP):
        # By reference: the mailbox need not hold it.
        try:
            content = getattr(trainer, answer)()
        except EffsearchError as error:
            content = error
        answer = ray.get(mailbox.ask.remote("content", [ray.put(content)]))
    if answer == STOP:
        raise StoppedByCallback
