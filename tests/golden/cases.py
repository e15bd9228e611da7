"""What is run: cases of commands, each case in a folder of its own that begins with `inputs/`.

Everything is tiny and seeded, one training at a time and on the CPU, so that two runs on one
machine print and write the same.
"""

from dataclasses import dataclass

TINY = "'res16 stem_k3_s1_c8 ir_r1_k3_s2_e2_c16 head_c32 cls10'"
"""A network of 1,762 parameters."""

MINI = "'res16 cls5 act_silu stem_k3_s2_c4 cn_r1_k3_s2_c8_skip head_c8'"
"""One of the space `mini.yaml`."""

PHONE = "'python3 phone.py {onnx}'"

SEARCH = "baseline --space tiny.yaml --target-flops 2M --cost-band 0.5 --workers 1 --device cpu"
MEASURED = f"{SEARCH} --evaluator measure.py:evaluate --batch-size 4"
TRAININGS = "--epochs 1 --max-images 200 --workers 1 --device cpu"
GRID = (
    f"coefficients --baseline {TINY} {TRAININGS} --proxy-resolution 8 --step 0.25 --tolerance 0.3"
)
TRAIN = f"train --model {TINY} --max-images 300 --epochs 3 --set threads=1 --device cpu"


@dataclass(frozen=True)
class Command:
    """Words after `effsearch`; `measures` marks one that prints times, of which none is kept."""

    line: str
    measures: bool = False


def _commands(*lines: str) -> tuple[Command, ...]:
    return tuple(map(Command, lines))


def _looks(run: str) -> tuple[str, ...]:
    """What every kind of run is looked at with."""
    return (
        f"results show {run}",
        f"results show {run} --json",
        f"results top {run} -n 3",
        f"results export {run}",
        f"results watch {run} --once",
        f"report {run}",
    )


_WITH_HELP = (
    "",
    "baseline",
    "bench",
    "coefficients",
    "compare-scaling",
    "doctor",
    "evaluate",
    "export",
    "gradcam",
    "lut",
    "lut build",
    "lut show",
    "profile",
    "report",
    "results",
    "results compare",
    "results diff",
    "results export",
    "results ls",
    "results pareto",
    "results plot",
    "results report",
    "results show",
    "results top",
    "results trial",
    "results watch",
    "scale",
    "spaces",
    "spaces ls",
    "spaces show",
    "train",
)

_BAD_INPUT = (
    "baselin",
    "baseline --no-such-option",
    "baseline --samples many",
    "baseline --samples 0",
    "baseline --target-flops 2X",
    "baseline --target-latency 8ms",
    "baseline --strategy bayes",
    "baseline --target-flops 2M --space nowhere.yaml",
    "baseline --target-flops 2M --space broken.yaml",
    "baseline --config misspelt.yaml",
    "baseline --target-flops 400M --evaluator missing.py:evaluate",
    "baseline --target-flops 400M --evaluator measure.py:missing",
    "baseline --target-flops 400M --evaluator measure.py",
    "baseline --target-flops 1K",
    "baseline --objective soft --weight 0.5 --target-flops 2M",
    "baseline --resume baseline/009",
    "baseline --resume baseline/001 --dry-run",
    "baseline --target-flops 400M --evaluator measure.py:evaluate --name ../up",
    f"coefficients --baseline {TINY} --tolerance 0.001 --step 0.3",
    "coefficients --baseline efficientnet-b9",
    "compare-scaling --budgets two",
    "scale --phi 1..x",
    "scale --coefficients 1.2,1.1",
    "scale --family published --phi 9",
    "train --recipe moderm",
    f"train --model {TINY} --set lr",
    f"train --model {TINY} --set learning=1",
    f"train --model {TINY} --device cuda:77",
    f"train --model {TINY} --data nowhere/at/all",
    "train --resume train/001 --dry-run",
    "evaluate",
    "export --format tflite",
    "bench --strategies bayes",
    "bench --seeds 1",
    "bench --resume bench/009",
    "lut show nothing.csv",
    "lut build --backend tflite",
    "profile efficientnet-b9",
    "profile 'res16 stem_k3 what_is_this'",
    "profile mobilenet-v2 --latency-command phone",
    "results show baseline/009",
    "results show nonsense",
    "results top --json --csv",
    "results diff nonsense",
    "results plot --kind fronts",
    "report inputs",
)

CASES: dict[str, tuple[Command, ...]] = {
    # The longest first: cases run side by side.
    "train": _commands(
        f"{TRAIN} --dry-run",
        f"{TRAIN} --set lr=0.01",
        *_looks("train/001"),
        "results plot train/001",
        "results export train/001 --json",
        "train --resume train/001 --json",
        "train --from train/001 --recipe finetune --epochs 1 --max-images 100 --set threads=1 "
        "--device cpu --json -q",
        f"scale --baseline {TINY} --phi 0,1",
        "train --phi 1 --max-images 100 --epochs 1 --set threads=1 --device cpu --name member",
        "evaluate train/001 --json",
        "export train/001 --format safetensors --names timm --output timm.safetensors",
        "export train/001 --format onnx --output model.onnx",
        "results plot family/001",
        "results ls",
    ),
    "baseline": _commands(
        f"{MEASURED} -n 10 --strategy random --dry-run",
        f"{MEASURED} -n 10 --strategy random --dry-run --json",
        f"{MEASURED} -n 10 --strategy random",
        f"{MEASURED} -n 16 --strategy bayesian --json",
        "baseline --resume baseline/001 --json",
        "baseline --resume baseline/001 -n 13",
        *_looks("baseline/001"),
        "results plot baseline/001",
        "results top baseline/002 -n 3 --json",
        "results top baseline/002 -n 3 --csv",
        "results pareto",
        "results pareto baseline/002 --cost params --csv",
        "results trial baseline/002 3",
        "results trial baseline/002 3 --json",
        "results trial baseline/002 3 --csv",
        "results compare baseline/001 baseline/002",
        "results compare baseline/001 baseline/002 --budget 5 --csv",
        "results diff baseline/001",
        "results export baseline/002 --json",
        "results plot baseline/002 --kind front --format svg --output pictures --json",
        "results watch baseline/002",
        "report baseline/001 baseline/002 --json",
        "profile baseline/001",
        "scale --phi 0,1",
        "results ls",
        "results ls --json",
        "results ls --csv",
    ),
    "coefficients": _commands(
        f"{GRID} --dry-run --json",
        f"{GRID} --seeds 2 --top 2 --top-seeds 2 --top-epochs 2",
        *_looks("coefficients/001"),
        "results plot coefficients/001 --kind ratio --kind heatmap",
        "results trial coefficients/001 0",
        "results pareto coefficients/001",
        "coefficients --resume coefficients/001 --json -q",
        f"scale --baseline {TINY} --phi 0..1",
        "results ls --json",
    ),
    "comparison": _commands(
        f"compare-scaling --baseline {TINY} {TRAININGS} --proxy-resolution 8 --budgets 2 "
        "--budget-tolerance 0.25 --seeds 2 --coefficients 1.2,1.1,1.15",
        *_looks("comparison/001"),
        "results ls --json",
    ),
    "finalists": _commands(
        f"{MEASURED} --target-params 16k -n 12 --strategy nsga2 --finalists 1",
        *_looks("baseline/001"),
    ),
    "proxy": _commands(
        f"{SEARCH} --max-images 100 --epochs 1 -n 2",
        *_looks("baseline/001"),
        "results trial baseline/001 0",
        f"{SEARCH} --max-images 300 --epochs 4 -n 6 --batch-size 2 --strategy evolution "
        "--pruning halving --finalists 2 --finalist-seeds 2 -q --json",
        "results export baseline/002",
    ),
    "failures": _commands(
        f"{SEARCH} --evaluator flaky.py:evaluate -n 10 --strategy local_search --batch-size 5",
        *_looks("baseline/001"),
        "results trial baseline/001 1",
    ),
    "soft": _commands(
        f"{SEARCH} --evaluator measured.csv --table-missing nearest --objective soft -n 24 "
        "--strategy evolution",
        *_looks("baseline/001"),
    ),
    "latency": (
        *_commands(
            f"lut build --space mini.yaml --passes 1 --networks 9 --latency-command {PHONE}",
            "lut show lut/mini-command-b1.csv",
            "lut show lut/mini-command-b1.csv --json --plot predicted.png",
            f"profile {MINI} --latency-command {PHONE}",
            f"profile {MINI} --latency-command {PHONE} --json",
            f"profile {MINI} --latency-table lut/mini-command-b1.csv",
            f"baseline --space mini.yaml --target-latency 0.4ms --latency-command {PHONE} "
            "--evaluator measure.py:evaluate -n 4 --strategy random --workers 1 --cost-band 0.5",
            "results show baseline/001 --json",
            "report baseline/001",
            f"scale --baseline {MINI} --target-latency 0.6ms --latency-command {PHONE} --json",
        ),
        Command("lut build --space mini.yaml --passes 1 --networks 9 --json", measures=True),
        Command("lut show lut/mini-torch-cpu-b1.csv --json", measures=True),
        Command(f"profile {MINI} --latency --json", measures=True),
    ),
    "bench": _commands(
        "bench --space wide.yaml --strategies random,evolution,local_search,tpe,nsga2 "
        "--seeds 2 -n 80 --target-flops 300M",
        "bench --space wide.yaml --strategies ppo,bayesian --seeds 2 -n 24 --target-flops 300M",
        "bench --space tiny.yaml --strategies random,evolution --seeds 2 -n 12 --json -q "
        "--evaluator measured.csv --table-missing nearest",
        *_looks("bench/001"),
        "bench --resume bench/001 --json",
        "results ls",
    ),
    "family": _commands(
        "scale --phi 0..2",
        "scale --phi 0..2 --json",
        "scale --family published --json",
        "scale --baseline mobilenet-v2 --coefficients 1.2,1.1,1.15 --target-flops 600M",
        f"scale --baseline {TINY} --phi -1,0.5,2 --resolution-rounding even --name tiny",
        *_looks("family/001"),
        "results export family/001 --json",
        "results ls",
    ),
    "networks": _commands(
        "spaces ls",
        "spaces ls --json",
        "spaces show mnasnet",
        "spaces show efficientnetv2 --json",
        "spaces show tiny.yaml",
        "profile efficientnet-b0",
        "profile mobilenet-v2 --resolution 96 --json",
        f"profile {TINY} --check",
        "results diff efficientnet-b1",
        "results diff efficientnet-b1 mnasnet-a1 --csv",
        "results diff efficientnet-b1 efficientnet-b0 --json",
        "results ls",
        "--version",
    ),
    "bad-input": _commands(*_BAD_INPUT),
    "help": _commands(*(f"{command} --help".strip() for command in _WITH_HELP)),
}
