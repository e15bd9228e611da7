"""Evaluations in a child process: whatever they do, one outcome a network, and nothing else."""

import os
import pickle
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import Any

import pytest
from scripted import Scripted

from effsearch.search_spaces.zoo import load_zoo
from effsearch.training.trials import isolation
from effsearch.training.trials.evaluator import Request
from effsearch.training.trials.isolation import IsolatedEvaluator, StoppedFromOutside
from effsearch.training.trials.outcome import Outcome

NETWORK = load_zoo("mobilenet-v1")
REQUESTS = [Request(number, NETWORK, 10 + number) for number in range(4)]
GOOD = "give({'accuracy': r.seed / 100})"

Evaluate = Callable[..., list[Outcome]]


@pytest.fixture
def made() -> Iterator[list[IsolatedEvaluator]]:
    evaluators: list[IsolatedEvaluator] = []
    yield evaluators
    for evaluator in evaluators:
        evaluator.close()


@pytest.fixture
def evaluate(made: list[IsolatedEvaluator]) -> Evaluate:
    """Outcomes of the four networks by a script, in a process of its own."""

    def run(*lines: str, timeout: float | None = None, **options: Any) -> list[Outcome]:
        evaluator = isolated(Scripted(*lines, **options), timeout)
        made.append(evaluator)
        return evaluator.evaluate(REQUESTS)

    return run


def isolated(evaluator: Scripted, timeout: float | None = None) -> IsolatedEvaluator:
    return IsolatedEvaluator(
        pickle.dumps(evaluator), batched=evaluator.batched, timeout=timeout, threads=1
    )


def accuracies(outcomes: Sequence[Outcome]) -> list[object]:
    return [None if o.measurements is None else o.measurements["accuracy"] for o in outcomes]


def test_outcomes_come_in_order_from_one_other_process(evaluate: Evaluate) -> None:
    outcomes = evaluate(GOOD)
    assert [outcome.trial for outcome in outcomes] == [0, 1, 2, 3]
    assert accuracies(outcomes) == [0.1, 0.11, 0.12, 0.13]
    (worker,) = {outcome.worker for outcome in outcomes}
    host, _, pid = worker.rpartition(":")
    assert host == os.uname().nodename
    assert int(pid) != os.getpid()
    assert all(o.seconds >= 0 and o.reason is None and o.error == "" for o in outcomes)


NO_ACCURACY = 'the evaluator returned {}: return a fraction or {{"accuracy": 0.93}}'
FAILURES = [
    ("raise ValueError('bad\\nluck')", "error", "ValueError: bad luck"),
    ("1 / 0", "error", "ZeroDivisionError: division by zero"),
    ("give({'accuracy': math.nan})", "nan", "accuracy is nan"),
    ("give({'accuracy': math.inf})", "nan", "accuracy is inf"),
    ("give({'accuracy': numpy.float32('nan')})", "nan", "accuracy is nan"),
    ("give({'accuracy': '0.5'})", "error", NO_ACCURACY.format("'0.5'")),
    ("give({'accuracy': None})", "error", NO_ACCURACY.format("None")),
    ("give({'accuracy': True})", "error", NO_ACCURACY.format("True")),
    ("give({'loss': 0.5})", "error", NO_ACCURACY.format("None")),
    ("give({'error': 'not in the table'})", "error", "not in the table"),
    (
        "give({'accuracy': 71.5})",
        "error",
        "accuracy must be a fraction in [0, 1], not 71.5 (in percent? divide by 100)",
    ),
    ("give({'accuracy': -0.5})", "error", "accuracy must be a fraction in [0, 1], not -0.5"),
    ("give({'accuracy': 0.5, 'loss': math.nan})", "nan", "measurement 'loss' is not finite"),
    (
        "give({'accuracy': 0.5, 'curve': [0.1, math.inf]})",
        "nan",
        "measurement 'curve' is not finite",
    ),
    (
        "give({'accuracy': 0.5, 'net': object()})",
        "error",
        "measurements are not plain data: object is neither a number nor text",
    ),
    (
        "give({'accuracy': 0.5, (1, 2): 3})",
        "error",
        "measurements are not plain data: keys must be str, int, float, bool or None, not tuple",
    ),
    ("pass", "error", "evaluator returned 0 results for 1 networks"),
    (
        "give({'accuracy': 0.5}); give({'accuracy': 0.5})",
        "error",
        "evaluator returned 2 results for 1 networks",
    ),
    ("os._exit(3)", "error", "evaluation process died: exit code 3"),
    ("sys.exit(4)", "error", "evaluation process died: exit code 4"),
    ("os.kill(os.getpid(), signal.SIGSEGV)", "error", "evaluation process died: SIGSEGV"),
    ("os.kill(os.getpid(), signal.SIGKILL)", "error", "evaluation process died: SIGKILL"),
]


@pytest.fixture(scope="module")
def mixed_outcomes() -> list[Outcome]:
    """Outcomes of all failures in one evaluator, a good network after each."""
    evaluator = isolated(Scripted(*(line for bad, *_ in FAILURES for line in (bad, GOOD))))
    outcomes = evaluator.evaluate([Request(i, NETWORK, i) for i in range(2 * len(FAILURES))])
    evaluator.close()
    return outcomes


@pytest.mark.parametrize(
    ("place", "reason", "error"), [(i, *what) for i, (_, *what) in enumerate(FAILURES)]
)
def test_a_failure_is_named_and_fails_its_trial_alone(
    place: int, reason: str, error: str, mixed_outcomes: list[Outcome]
) -> None:
    bad, good = mixed_outcomes[2 * place : 2 * place + 2]
    assert (bad.trial, bad.measurements, bad.reason, bad.error) == (2 * place, None, reason, error)
    assert (good.trial, good.measurements) == (2 * place + 1, {"accuracy": (2 * place + 1) / 100})


def test_numbers_of_numpy_become_plain_ones(evaluate: Evaluate) -> None:
    (first, *_) = evaluate(
        "give({'accuracy': numpy.float32(0.5), 'ms': numpy.int64(3),"
        " 'curve': numpy.array([0.25, 0.5]), 'loss': numpy.array(1.5), 'note': 'text'})"
    )
    assert first.measurements == {
        "accuracy": 0.5,
        "ms": 3,
        "curve": [0.25, 0.5],
        "loss": 1.5,
        "note": "text",
    }
    assert type(first.measurements["ms"]) is int


def test_an_error_rate_beside_an_accuracy_is_a_measurement(evaluate: Evaluate) -> None:
    (first, *_) = evaluate("give({'accuracy': 0.75, 'error': 0.25})")
    assert first.measurements == {"accuracy": 0.75, "error": 0.25}


def test_a_hanging_evaluation_is_killed_and_the_others_go_on(
    evaluate: Evaluate, tmp_path: Path
) -> None:
    note = tmp_path / "pid"
    start = time.monotonic()
    outcomes = evaluate(
        f"if r.trial == 1:\n    open({str(note)!r}, 'w').write(str(os.getpid()))\n"
        f"    signal.signal(signal.SIGTERM, signal.SIG_IGN)\n    time.sleep(600)\n{GOOD}",
        timeout=1.0,
    )
    assert time.monotonic() - start < 30
    assert accuracies(outcomes) == [0.1, None, 0.12, 0.13]
    assert (outcomes[1].reason, outcomes[1].error) == ("timeout", "no result after 1 s")
    with pytest.raises(ProcessLookupError):
        os.kill(int(note.read_text()), 0)


def test_a_hanging_batch_is_lost_as_a_whole_after_its_networks_time(evaluate: Evaluate) -> None:
    outcomes = evaluate("time.sleep(600)", batched=True, timeout=0.25)
    assert {(o.reason, o.error, o.seconds) for o in outcomes} == {
        ("timeout", "no result after 1 s", 0.25)
    }


def test_the_time_to_get_ready_is_not_the_networks_time(evaluate: Evaluate) -> None:
    outcomes = evaluate(GOOD, before="import time; time.sleep(1.5)", timeout=1.0)
    assert accuracies(outcomes) == [0.1, 0.11, 0.12, 0.13]


def test_a_process_that_never_gets_ready_is_given_up(
    evaluate: Evaluate, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(isolation, "START_SECONDS", 0.2)
    outcomes = evaluate(GOOD, before="import time; time.sleep(600)", batched=True, timeout=600.0)
    assert {outcome.reason for outcome in outcomes} == {"timeout"}


def test_an_evaluator_that_cannot_get_ready_fails_each_trial_with_the_cause(
    evaluate: Evaluate,
) -> None:
    outcomes = evaluate(GOOD, before="raise RuntimeError('no data here')")
    assert {outcome.error for outcome in outcomes} == {"RuntimeError: no data here"}


@pytest.mark.parametrize("batched", [False, True])
def test_what_an_evaluation_prints_goes_nowhere(
    batched: bool, evaluate: Evaluate, capfd: pytest.CaptureFixture[str]
) -> None:
    outcomes = evaluate(
        f"print('noise'); os.write(1, b'noise'); os.system('echo noise'); {GOOD}", batched=batched
    )
    assert accuracies(outcomes) == [0.1, 0.11, 0.12, 0.13]
    assert "noise" not in capfd.readouterr().out


def test_one_bad_result_in_a_batch_fails_its_trial_alone(evaluate: Evaluate) -> None:
    outcomes = evaluate("give({'accuracy': math.nan if r.trial == 2 else 0.5})", batched=True)
    assert accuracies(outcomes) == [0.5, 0.5, None, 0.5]


def test_a_batch_that_dies_is_lost_as_a_whole_and_the_next_one_is_not(
    made: list[IsolatedEvaluator], evaluate: Evaluate, tmp_path: Path
) -> None:
    note = tmp_path / "died"
    line = f"if not os.path.exists({str(note)!r}):\n    open({str(note)!r}, 'w')\n    os._exit(9)\n"
    outcomes = evaluate(line + GOOD, batched=True)
    assert {outcome.error for outcome in outcomes} == {"evaluation process died: exit code 9"}
    assert accuracies(made[0].evaluate(REQUESTS)) == [0.1, 0.11, 0.12, 0.13]


def test_a_process_that_does_not_start_says_its_last_line(made: list[IsolatedEvaluator]) -> None:
    broken = b"cno_such_module\nEvaluator\n."  # a pickle whose module is nowhere
    evaluator = IsolatedEvaluator(broken, batched=False, timeout=None, threads=1)
    made.append(evaluator)
    outcomes = evaluator.evaluate(REQUESTS)
    assert {outcome.error for outcome in outcomes} == {
        "evaluation process did not start: exit code 1: "
        "ModuleNotFoundError: No module named 'no_such_module'"
    }
    assert not any(outcome.started for outcome in outcomes)


def test_a_process_that_ends_while_it_evaluates_had_started(evaluate: Evaluate) -> None:
    outcomes = evaluate("print('out of tokens', file=sys.stderr, flush=True); os._exit(3)")
    assert outcomes[0].error == "evaluation process died: exit code 3: out of tokens"
    assert all(outcome.started for outcome in outcomes)


@pytest.mark.parametrize("number", ["SIGTERM", "SIGHUP"])
def test_a_process_that_is_told_to_stop_fails_no_network(number: str, evaluate: Evaluate) -> None:
    with pytest.raises(StoppedFromOutside, match=number):
        evaluate(f"os.kill(os.getpid(), signal.{number})")


def test_closing_kills_the_process(made: list[IsolatedEvaluator], evaluate: Evaluate) -> None:
    (outcome, *_) = evaluate(GOOD)
    made[0].close()
    with pytest.raises(ProcessLookupError):
        os.kill(int(outcome.worker.rpartition(":")[2]), 0)
    made[0].close()  # twice does no harm


def test_the_process_dies_with_its_parent_even_while_it_hangs(tmp_path: Path) -> None:
    note = tmp_path / "pid"
    (tmp_path / "hanging.py").write_text(
        "import os, time\n"
        "def evaluate(a):\n"
        f"    open({str(note)!r}, 'w').write(str(os.getpid()))\n"
        "    time.sleep(600)\n"
    )
    script = (
        "import pickle\n"
        "from effsearch.nas.evaluators.user import load_user_evaluator\n"
        "from effsearch.search_spaces.zoo import load_zoo\n"
        "from effsearch.training.trials.evaluator import Request\n"
        "from effsearch.training.trials.isolation import IsolatedEvaluator\n"
        f"user = load_user_evaluator({str(tmp_path / 'hanging.py')!r} + ':evaluate')\n"
        "isolated = IsolatedEvaluator(pickle.dumps(user), batched=False, timeout=None, threads=1)\n"
        "isolated.evaluate([Request(0, load_zoo('mobilenet-v1'), 0)])\n"
    )
    root = Path(__file__).parents[2]
    with subprocess.Popen([sys.executable, "-c", script], cwd=root) as parent:
        child = _wait_for_number(note)
        parent.send_signal(signal.SIGKILL)
    for _ in range(100):
        if not Path(f"/proc/{child}").exists():
            return
        time.sleep(0.1)
    pytest.fail("the evaluation outlived its parent")


def _wait_for_number(note: Path) -> int:
    for _ in range(300):
        if note.exists() and (text := note.read_text()):
            return int(text)
        time.sleep(0.1)
    raise AssertionError("the evaluation never began")
