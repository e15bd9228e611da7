"""The command as a whole: help in a blink, versions, usage errors, what it says of this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HEAVY = ("torch", "ray", "optuna", "pandas", "pyarrow", "sklearn", "scipy", "matplotlib", "numpy")

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    "arguments", [["--help"], ["baseline", "--help"], ["--version"], ["spaces", "-h"], ["results"]]
)
def test_help_loads_nothing_heavy(arguments: list[str], tmp_path: Path) -> None:
    script = (
        "import sys\n"
        "from effsearch.cli.app import main\n"
        f"sys.argv = ['effsearch', *{arguments!r}]\n"
        "try: main()\n"
        "except SystemExit: pass\n"
        f"print(sorted({{name.split('.')[0] for name in sys.modules}} & {set(HEAVY)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout.splitlines()[-1] == "[]", done.stderr


def test_the_list_of_commands_needs_no_networks() -> None:
    script = (
        "import sys, effsearch.cli.commands\n"
        "print('effsearch.search_spaces.architecture' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "False\n"


def test_importing_the_package_loads_nothing_heavy() -> None:
    script = (
        "import sys, effsearch; dir(effsearch)\n"
        f"print(sorted({{name.split('.')[0] for name in sys.modules}} & {set(HEAVY)!r}))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert done.stdout == "[]\n"


def test_a_stop_within_an_exec_of_text_has_its_exit_code_too(tmp_path: Path) -> None:
    (tmp_path / "stopped.py").write_text(
        "from effsearch.cli import app, commands\n"
        "commands.run = lambda: exec('raise KeyboardInterrupt')\n"
        "app.main()\n"
    )
    command = [sys.executable, "-m", "stopped"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path)
    assert (done.returncode, done.stderr) == (130, "effsearch: stopped\n")


def test_help_names_every_command_and_the_exit_codes(cli) -> None:
    answer = cli("--help")
    assert answer.code == 0
    assert answer.err == ""
    for word in ("baseline", "spaces", "profile", "doctor", "results", "Exit codes", "130"):
        assert word in answer.out


def test_help_of_the_search_says_what_flops_and_targets_mean(cli) -> None:
    answer = cli("baseline", "--help")
    assert answer.code == 0
    for flag in (
        "--target-flops", "--space", "--strategy", "--evaluator", "--data", "--samples",
        "--time-budget", "--epochs", "--proxy-resolution", "--objective", "--workers", "--seed",
        "--name", "--config", "--resume", "--dry-run", "--json", "--quiet", "--ray-address",
        "--gpus-per-trial", "--trial-timeout", "--cost-tolerance",
    ):  # fmt: skip
        assert flag in answer.out
    assert "the target does not move its optimum" in " ".join(answer.out.split())


def test_version(cli) -> None:
    answer = cli("--version")
    assert (answer.code, answer.err) == (0, "")
    assert answer.out.startswith("effsearch ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["baselin"], "No such command 'baselin'"),
        (["baseline", "--foo"], "No such option: --foo"),
        (["baseline", "--name"], "'--name' requires an argument"),
        (["spaces", "show"], "Missing argument"),
        (["results", "top", "-n", "0"], "'-n': '0' should be greater than or equal to 1"),
        (["results", "top", "-n", "x"], "'-n': 'x' is not a whole number"),
        (["train", "--phi", "x"], "'--phi': 'x' is not a number"),
        (["results", "export", "--format", "xml"], "'--format': 'xml' is not one of 'csv', "),
        (["profile"], "Missing argument"),
        (["profile", "b0", "extra"], "unexpected extra argument"),
        (["profile", "efficientnet-b9"], "efficientnet-b"),
        (["profile", "efficientnet-b0", "--resolution", "0"], "resolution must be at least 1"),
        (["spaces", "show", "mnasnt"], "did you mean 'mnasnet'"),
    ],
)
def test_wrong_usage_is_one_line_that_exits_2(arguments: list[str], message: str, cli) -> None:
    answer = cli(*arguments)
    assert message in answer.error
    assert (answer.code, answer.out) == (2, "")


def test_ctrl_c_while_the_commands_load_is_one_line() -> None:
    script = (
        "import sys\n"
        "class Stopped:\n"
        "    def find_spec(self, name, *rest):\n"
        "        if name == 'effsearch.cli.commands': raise KeyboardInterrupt\n"
        "sys.meta_path.insert(0, Stopped())\n"
        "from effsearch.cli.app import main\n"
        "main()"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "effsearch: stopped\n")


def test_ctrl_c_while_a_command_works_is_one_line(cli, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr("effsearch.results.store.answers.find_baseline", stopped)
    answer = cli("profile", "efficientnet-b0")
    assert (answer.code, answer.error) == (130, "stopped")


@pytest.mark.parametrize(
    ("pipe", "message"),
    [("| true", ""), ("> /dev/full", "effsearch: cannot write to stdout: No space left on device")],
)
def test_what_cannot_be_printed_ends_in_one_line_at_most(pipe: str, message: str) -> None:
    command = f"{sys.executable} -m effsearch.cli.app profile resnet-50 --json {pipe}"
    script = f"set -o pipefail; {command}"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, cwd=ROOT)
    assert (done.returncode, done.stderr.strip()) == (1, message)


def test_a_name_that_the_terminal_cannot_show_is_printed_all_the_same(cli, tmp_path: Path) -> None:
    assert cli("scale", "--family", "published", "--run-dir", "ü").code == 0
    done = subprocess.run(
        [sys.executable, "-m", "effsearch.cli.app", "results", "show", "--run-dir", "ü"],
        capture_output=True,
        text=True,
        cwd=tmp_path,
        env=os.environ | {"PYTHONIOENCODING": "ascii", "PYTHONPATH": str(ROOT)},
    )
    assert done.returncode == 0, done.stderr
    assert "in \\xfc/family/001" in done.stdout


def test_no_command_is_answered_with_the_help(cli) -> None:
    answer = cli()
    assert answer.code == 2
    assert "Commands:" in answer.out + answer.err


def test_profile_counts_in_whole_integers(cli) -> None:
    document = json.loads(cli("profile", "efficientnet-b0", "--json").out)
    assert (document["macs"], document["params"]) == (385_814_752, 5_288_548)
    assert sum(layer["macs"] for layer in document["layers"]) == 385_814_752
    assert all(type(layer["params"]) is int for layer in document["layers"])


def test_spaces_are_listed_and_shown_as_one_document(cli) -> None:
    listed = json.loads(cli("spaces", "ls", "--json").out)
    assert [space["name"] for space in listed] == [
        "efficientnetv2",
        "mnasnet",
        "mnasnet-timm",
        "mobilenetv3",
        "regnet",
        "resnet",
    ]
    shown = json.loads(cli("spaces", "show", "mnasnet", "--json").out)
    assert type(shown["ranges"]["macs"][0]) is int
    assert "encodings of" in cli("spaces", "show", "mnasnet").out


@pytest.mark.slow
def test_doctor_says_what_this_machine_has(cli, ray_address: str) -> None:
    answer = cli("doctor", "--json")
    report = json.loads(answer.out)
    assert (answer.code, report["problems"]) == (0, [])
    assert report["ray"]["CPU"] == 2
    assert report["versions"]["effsearch"]


@pytest.mark.parametrize(("code", "said"), [(130, ""), (0, "taken down")])
def test_a_search_that_was_stopped_ends_without_taking_the_interpreter_down(
    code: int, said: str
) -> None:
    # Ray's threads crash it there, or keep it waiting, where the stop came in a call of Ray's.
    script = (
        "import atexit, sys\n"
        "from effsearch.cli import app\n"
        "sys.modules['ray'] = sys\n"
        "atexit.register(print, 'taken down')\n"
        f"app.main = lambda: sys.exit({code})\n"
        "app.console()\n"
    )
    ended = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout.strip()) == (code, said)
