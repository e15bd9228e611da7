"""References: published networks trained as the finalists are, so that an answer can be judged."""

from collections.abc import Mapping

from effsearch.nas.config import BaselineConfig
from effsearch.nas.finalists import Verdict
from effsearch.nas.options import trains_finalists
from effsearch.nas.trial_records import trial_seed
from effsearch.results.references import Reference, compare_with_references
from effsearch.results.store.ledger import Ledger
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.zoo import resolve_architecture, zoo_name
from effsearch.training.trials.budget import Budget
from effsearch.training.trials.jobs import Job, ListSource, Measured
from effsearch.training.trials.trainings import Trainings, counted_costs

DEFAULT_REFERENCE = "efficientnet-b0"
NO_REFERENCE = "none"


def load_references(config: BaselineConfig) -> dict[str, Architecture]:
    """The references of a search by name; the default where its finalists are trained.

    Raises:
        InputError: no such network.
    """
    text = config.reference
    if text is None:
        trained = config.finalist_count and trains_finalists(config.evaluator)
        text = DEFAULT_REFERENCE if trained else NO_REFERENCE
    if text.strip() == NO_REFERENCE:
        return {}
    names = [name.strip() for name in text.split(",")]
    return {zoo_name(name) or name: resolve_architecture(name) for name in names}


def reference_queue(
    references: Mapping[str, Architecture],
    config: BaselineConfig,
    ledger: Ledger,
    budget: Budget | None = None,
) -> Trainings:
    """Trainings of the references, with the seeds of the finalists.

    Args:
        ledger: open for appending, of the references alone.
        budget: of time; None for no limit.
    """
    jobs = [
        Job(architecture=architecture, repeats=(repeat,))
        for repeat in range(config.finalist_seeds)
        for architecture in references.values()
    ]
    return Trainings(
        ListSource(jobs),
        ledger,
        ledger.history(),
        networks=len(references),
        seeds=config.finalist_seeds,
        seed_of=lambda id, repeat: trial_seed(config.seed, f"{id}/{repeat}"),
        budget=budget,
    )


def judge_references(
    references: Mapping[str, Architecture], measured: Mapping[str, Measured], verdict: Verdict
) -> list[Reference]:
    """The winner beside each reference of which a training succeeded."""
    scores = {row["id"]: row["seeds"] for row in verdict.rows}
    winner = verdict.winner
    return compare_with_references(
        scores[winner.arch_id],
        list(scores.values()),
        winner.costs["macs"],
        [
            (
                name,
                architecture.id,
                format_architecture(architecture),
                counted_costs(architecture),
                measured[architecture.id].scores,
            )
            for name, architecture in references.items()
            if architecture.id in measured and measured[architecture.id].scores
        ],
    )
