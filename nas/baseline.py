"""`effsearch baseline`: from a configuration to a run directory with its answer.

The only module that brings space, objective, strategy, evaluator, ledger and Ray Tune together.
"""

import json
import sys
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from nas.config import BaselineConfig, changed_keys, make_config
from nas.evaluators.base import Evaluator
from nas.evaluators.registry import make_evaluator
from nas.objective import describe
from nas.problem import Problem
from nas.progress import progress
from nas.search import Search
from nas.strategies.base import Strategy
from nas.strategies.registry import make_strategy
from results.events import Event
from results.files import write_json
from results.ledger import Ledger, iterate_events, read_events
from results.run import Run
from results.table import write_csv
from results.trials import Trial, join_trials, top
from search_spaces.architecture import Architecture
from search_spaces.cost import cost
from search_spaces.errors import EffsearchError, InputError, Interrupted, MissingResourceError
from search_spaces.notation import parse_architecture
from search_spaces.population import PopulationCost
from search_spaces.space import SearchSpace
from search_spaces.space_file import load_space

KIND = "baseline"


@dataclass(frozen=True, kw_only=True)
class BaselineResult:
    """What a baseline search found.

    Attributes:
        run: name such as `baseline/001`.
        path: the run directory.
        architecture: the winner.
        accuracy: as measured in the search, a fraction.
        reward: of the winner.
        macs, params, memory_bytes: the winner's costs.
        trials: all trials, in ask order.
        answer: the content of `baseline.json`.
    """

    run: str
    path: Path
    architecture: Architecture
    accuracy: float
    reward: float
    macs: int
    params: int
    memory_bytes: int
    trials: list[Trial]
    answer: dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """A checked configuration: everything that can be wrong before a search has been tried."""

    config: BaselineConfig
    space: SearchSpace
    problem: Problem
    strategy: Strategy
    evaluator: Evaluator
    record: dict[str, Any]

    @property
    def batch_size(self) -> int:
        return self.config.batch_size or self.strategy.default_batch

    @property
    def ranges(self) -> dict[str, tuple[int, int]]:
        """Lowest and highest reachable costs of the space."""
        return PopulationCost(self.space).ranges


def make_plan(config: BaselineConfig) -> Plan:
    """Load and check all that a search needs; nothing is written and nothing is trained.

    Raises:
        InputError: something in the configuration does not exist or does not fit.
        InfeasibleError: the space cannot reach a target.
    """
    _check_gpus(config)
    space = load_space(config.space)
    problem = Problem.of(space, config.make_objective())
    strategy = make_strategy(config.strategy, problem, config.seed, **config.strategy_options)
    evaluator, record = make_evaluator(
        config.evaluator,
        data=config.data,
        recipe=config.recipe_options(),
        max_images=config.max_images,
        device=config.device,
    )
    record |= {
        "targets": config.targets,
        "objective": describe(problem.objective.targets),
        "space": {"name": space.name, "size": space.size, "digest": space.digest},
    }
    return Plan(config, space, problem, strategy, evaluator, record)


def search_baseline(
    config: BaselineConfig,
    *,
    run_dir: Path = Path("runs"),
    name: str | None = None,
    quiet: bool = False,
    command: Sequence[str] = ("effsearch", "baseline"),
) -> BaselineResult:
    """Search a baseline network in a new run.

    Raises:
        EffsearchError: see its children; `Interrupted` says how to resume.
    """
    plan = make_plan(config)
    stored = plan.config.to_dict() | {"batch_size": plan.batch_size}
    with Run.create(run_dir, KIND, name, command=command, config=stored, extra=plan.record) as run:
        _say(f"run {run.reference}: {plan.record['objective']}, space {plan.space.name}", quiet)
        try:
            return _search_in(run, plan, quiet)
        except MissingResourceError:
            run.discard()  # nothing was started, so nothing is worth keeping
            raise


def resume_baseline(
    reference: str | None,
    changes: Mapping[str, Any],
    *,
    run_dir: Path = Path("runs"),
    quiet: bool = False,
) -> BaselineResult:
    """Go on with a run that was stopped, or with more samples.

    Args:
        reference: path or `baseline/001`; None for the newest baseline run.
        changes: configuration keys given anew. Only those that do not change what is searched
            may differ from the run's.

    Raises:
        InputError: no such run, or a change that would make it another search.
        EffsearchError: as `search_baseline`.
    """
    found = Run.latest(run_dir, reference or KIND)
    config = make_config(found.config, changes)
    _refuse(found, changed_keys(found.config, config))
    plan = make_plan(config)
    for key in ("space", "data", "recipe", "evaluator"):
        if found.record.get(key) != _as_json(plan.record.get(key)):
            _refuse(found, [f"{key} (its content)"])
    with Run.resume(run_dir, found.path) as run:
        _say(f"resuming {run.reference}", quiet)
        return _search_in(run, plan, quiet)


def _search_in(run: Run, plan: Plan, quiet: bool) -> BaselineResult:
    try:
        _run_trials(run, plan, quiet)
    except KeyboardInterrupt:
        _write_table(run)
        run.finish("interrupted")
        raise Interrupted(
            f"stopped; nothing finished is lost. Go on with: {_resume_command(run)}"
        ) from None
    except EffsearchError as error:
        run.finish("infeasible" if error.exit_code == 3 else "failed", error=str(error))
        raise
    trials = _write_table(run)
    result = _answer(run, plan, trials)
    write_json(run.paths.answer, result.answer)
    run.finish("finished")
    return result


def _run_trials(run: Run, plan: Plan, quiet: bool) -> None:
    from nas.tune_driver import Resources, ray_session, run_search

    config = plan.config
    started = time.monotonic()
    with Ledger.open(run.paths.ledger) as ledger:
        _say(ledger.notice or "", quiet)
        events: list[Event] = read_events(run.paths.ledger)
        search = Search(
            plan.problem,
            plan.strategy,
            ledger,
            samples=config.samples,
            batch_size=plan.batch_size,
            seed=config.seed,
            events=events,
            time_left=config.time_budget,
        )
        del events
        if search.finished:
            return
        search.prepare()
        resources = Resources(
            workers=config.workers,
            cpus_per_trial=config.cpus_per_trial,
            gpus_per_trial=config.gpus_per_trial,
            address=config.ray_address,
            shares_gpus=config.evaluator == "proxy" and config.device in ("auto", "cuda"),
        )
        with ray_session(resources) as session, progress(search, quiet):
            if session.workers > plan.batch_size:
                _say(
                    f"{session.workers} workers but batches of {plan.batch_size}: "
                    "a larger --batch-size would keep all of them busy",
                    quiet,
                )
            run_search(
                search,
                plan.evaluator,
                session,
                per_trial=config.per_trial or _per_trial(plan, session.workers),
                timeout=config.trial_timeout,
            )
        if search.out_of_time:
            _say(f"time budget spent after {time.monotonic() - started:.0f} s", quiet)
        if search.exhausted:
            _say(f"the cost band holds {search.asked} networks: all were evaluated", quiet)


def _per_trial(plan: Plan, workers: int) -> int:
    """One network a Tune trial, or an even share of the batch where an evaluation is cheap."""
    return -(-plan.batch_size // workers) if plan.evaluator.cheap else 1


def _answer(run: Run, plan: Plan, trials: list[Trial]) -> BaselineResult:
    done = [trial for trial in trials if trial.state == "done"]
    if not done:
        errors = [trial.error for trial in trials if trial.error]
        cause = f"; the first: {errors[0]}" if errors else " within the time budget"
        error = EffsearchError(f"none of {len(trials)} evaluations succeeded{cause}")
        run.finish("failed", error=str(error))
        raise error
    best = top(done, 1)[0]
    architecture = parse_architecture(best.architecture)
    counted = cost(architecture)
    assert best.reward is not None
    assert best.accuracy is not None
    answer = {
        "schema_version": 1,
        "kind": KIND,
        "run": run.reference,
        "id": best.arch_id,
        "notation": best.architecture,
        "macs": counted.macs,
        "params": counted.params,
        "memory_bytes": counted.memory_bytes,
        "accuracy": best.accuracy,
        "reward": best.reward,
        "trial": best.number,
        "targets": plan.config.targets,
        "objective": plan.record["objective"],
        "space": plan.space.name,
        "strategy": plan.config.strategy,
        "evaluator": plan.config.evaluator,
        "data": plan.record.get("data"),
        "samples": len(trials),
        "failed": sum(trial.state == "failed" for trial in trials),
        "seed": plan.config.seed,
        "flops_convention": run.record["flops_convention"],
        "versions": run.record["versions"],
        "architecture": architecture.to_dict(),
    }
    return BaselineResult(
        run=run.reference,
        path=run.path,
        architecture=architecture,
        accuracy=best.accuracy,
        reward=best.reward,
        macs=counted.macs,
        params=counted.params,
        memory_bytes=counted.memory_bytes,
        trials=trials,
        answer=answer,
    )


def _check_gpus(config: BaselineConfig) -> None:
    """Say that a GPU is missing before anything is loaded; a cluster is asked once it is joined."""
    wanted = config.gpus_per_trial or float(config.device.startswith("cuda"))
    if not wanted or config.ray_address:
        return
    import torch

    if torch.cuda.device_count() < wanted:
        raise MissingResourceError(
            f"GPUs were asked for but this machine has {torch.cuda.device_count()}: leave "
            "--gpus-per-trial and --device out to train on the CPU, or give --ray-address"
        )


def _write_table(run: Run) -> list[Trial]:
    trials = join_trials(iterate_events(run.paths.ledger))
    write_csv(trials, run.paths.csv)
    return trials


def _refuse(run: Run, keys: list[str]) -> None:
    if keys:
        raise InputError(
            f"run {run.reference} was started with another {', '.join(keys)}: "
            "resume it as it was, or start a new run"
        )


def _resume_command(run: Run) -> str:
    root = run.path.parent.parent
    folder = "" if root == Path("runs") else f" --run-dir {root}"
    return f"effsearch baseline --resume {run.reference}{folder}"


def _as_json(value: object) -> Any:
    return json.loads(json.dumps(value))


def _say(line: str, quiet: bool) -> None:
    if line and not quiet:
        print(line, file=sys.stderr, flush=True)


def objective_notes(config: BaselineConfig) -> list[str]:
    """What a user should know of an objective before its search."""
    if not config.targets:
        return ["no target: the reward is the accuracy alone; give --target-flops 400M"]
    if config.objective == "soft":
        return [
            "with a soft objective the target is a constant factor: it does not move the "
            "optimum, the weight does (MnasNet, equation 2, alpha = beta)"
        ]
    return []
