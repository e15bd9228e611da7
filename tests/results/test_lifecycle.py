"""Runs begin, are found again, and end with the right word in their record."""

from collections.abc import Callable
from pathlib import Path

import pytest
from making import asked, told

from effsearch.results.lifecycle import (
    ending_recorded,
    find_run,
    new_run,
    refuse_other_content,
)
from effsearch.results.store.ledger import Ledger
from effsearch.results.store.run import Run
from effsearch.search_spaces.errors import (
    EffsearchError,
    InfeasibleError,
    InputError,
    Interrupted,
    MissingResourceError,
)


def start(root: Path, kind: str = "baseline") -> Run:
    return Run.create(root / "runs", kind, command=["effsearch"], config={"seed": 1})


def test_where_a_name_is_taken_resuming_is_advised_too(tmp_path: Path) -> None:
    options = {"command": [], "config": {}, "extra": {}}
    with new_run(tmp_path, "baseline", "mine", **options):
        pass
    taken = r"exists already: choose another --name, or resume it with --resume$"
    with pytest.raises(InputError, match=taken), new_run(tmp_path, "baseline", "mine", **options):
        pass


def missing_at_start(root: Path, prepare: Callable[[Run], None]) -> Path:
    """Where the run lies, or lay, that lacked something after `prepare`."""
    paths: list[Path] = []

    def begin() -> None:
        options = {"command": [], "config": {}, "extra": {}}
        with new_run(root / "runs", "baseline", None, **options) as run:
            paths.append(run.path)
            prepare(run)
            raise MissingResourceError("no GPU")

    with pytest.raises(MissingResourceError):
        begin()
    return paths[0]


def test_a_run_that_could_not_begin_leaves_nothing(tmp_path: Path) -> None:
    def ask(run: Run) -> None:
        with Ledger.open(run.paths.ledger) as ledger:
            ledger.append(asked(0))

    assert not missing_at_start(tmp_path, lambda run: None).exists()
    assert not missing_at_start(tmp_path, ask).exists()


def test_a_run_that_lacks_something_later_keeps_what_ended(tmp_path: Path) -> None:
    def tell(run: Run) -> None:
        with Ledger.open(run.paths.ledger) as ledger:
            ledger.append(asked(0), told(0))

    def train(run: Run) -> None:
        (run.path / "checkpoints").mkdir()
        (run.path / "checkpoints" / "last.safetensors").touch()

    assert missing_at_start(tmp_path, tell).exists()
    assert missing_at_start(tmp_path, train).exists()


def test_the_run_to_go_on_with_is_of_the_kind(tmp_path: Path) -> None:
    with start(tmp_path) as run, start(tmp_path, "train"):
        assert find_run(tmp_path / "runs", None, "baseline").path == run.path
        assert find_run(tmp_path / "runs", "train/001", "train").kind == "train"
        with pytest.raises(InputError, match="train/001 is not a baseline run: name one that is"):
            find_run(tmp_path / "runs", "train/001", "baseline")


def test_other_content_under_the_same_settings_is_refused(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        run.record["data"] = {"sizes": [8, 8]}
        refuse_other_content(run, {"data": {"sizes": (8, 8)}}, ["data", "recipe"])
        with pytest.raises(InputError, match=r"another data \(its content\)"):
            refuse_other_content(run, {"data": {"sizes": (8, 9)}}, ["data"])
        with pytest.raises(InputError, match=r"another data \(its content\)"):
            refuse_other_content(run, {"data": {"sizes": (8, 8), "new": 1}}, ["data"])


def test_a_run_goes_on_where_an_option_has_come_since_it_began(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        run.record["recipe"] = {"lr": 0.1}
        refuse_other_content(run, {"recipe": {"lr": 0.1, "new": False}}, ["recipe"])
        with pytest.raises(InputError, match="another recipe"):
            refuse_other_content(run, {"recipe": {"lr": 0.2, "new": False}}, ["recipe"])


def ended(run: Run, error: BaseException | None) -> None:
    with ending_recorded(run, {"seed": 2}):
        if error is not None:
            raise error


@pytest.mark.parametrize(
    ("error", "status"),
    [
        (EffsearchError("no luck"), "failed"),
        (InfeasibleError("too dear"), "infeasible"),
        (MissingResourceError("no GPU"), "interrupted"),
    ],
)
def test_an_error_is_recorded_with_the_settings_the_run_had(
    tmp_path: Path, error: EffsearchError, status: str
) -> None:
    with start(tmp_path) as run:
        with pytest.raises(EffsearchError) as raised:
            ended(run, error)
        assert raised.value is error
        assert (run.status, run.config, run.record["error"]) == (status, {"seed": 2}, str(error))


def test_a_stop_names_the_command_that_goes_on(tmp_path: Path) -> None:
    with start(tmp_path, "comparison") as run:
        again = "effsearch compare-scaling --resume comparison/001 --run-dir"
        with pytest.raises(Interrupted, match=f"nothing finished is lost. Resume with: {again}"):
            ended(run, KeyboardInterrupt())
        assert (run.status, run.config) == ("interrupted", {"seed": 2})
        ended(run, None)
        assert run.status == "finished"


def test_what_happened_is_said_where_it_cannot_be_recorded(tmp_path: Path) -> None:
    with start(tmp_path) as run:
        run.paths.record.unlink()
        run.paths.record.mkdir()
        with pytest.raises(EffsearchError, match="disk is full"), ending_recorded(run, {}):
            raise EffsearchError("disk is full")
        with pytest.raises(Interrupted, match="Resume with"):
            ended(run, KeyboardInterrupt())
