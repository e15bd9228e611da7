"""Runs the legs, and prints a table of them last."""

import argparse
import time
from collections.abc import Callable
from pathlib import Path

import torch

from benchmarks.gpu import checks, final, latencies, scaling, search, throughput
from benchmarks.gpu.leg import Leg, TimeIsUpError
from benchmarks.gpu.setting import on_a_card, rehearsal
from benchmarks.machine import RESULTS

CIFAR10 = Path(__file__).parents[3] / "shared" / "data" / "cifar10"
MINUTES = 4.0
LEGS: dict[str, Callable[[Leg], None]] = {
    "tests": checks.run,
    "throughput": throughput.run,
    "search": search.run,
    "grid": scaling.run_grid,
    "compare": scaling.run_compare,
    "final": final.run,
    "latency": latencies.run,
}


def main() -> int:
    """Exit code 0 where all legs asked for are finished, 1 where one failed or has to go on."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.gpu", description=__doc__)
    parser.add_argument("legs", nargs="*", metavar="leg", help=f"{', '.join(LEGS)} [all]")
    parser.add_argument("--data", default=str(CIFAR10), help="folder of CIFAR-10")
    parser.add_argument("--minutes", type=float, default=MINUTES, help="a leg may take [4]")
    parser.add_argument("--out", type=Path, default=RESULTS, help="folder [benchmarks/results]")
    parser.add_argument("--fresh", action="store_true", help="measure again what is there")
    parser.add_argument(
        "--rehearse", action="store_true", help="all in miniature on a CPU, on the digits"
    )
    options = parser.parse_args()
    if unknown := set(options.legs) - set(LEGS):
        parser.error(f"no such leg: {', '.join(sorted(unknown))}; there are {', '.join(LEGS)}")
    if not options.rehearse and not torch.cuda.is_available():
        parser.error("there is no CUDA device: --rehearse runs the legs in miniature on a CPU")
    if options.rehearse and options.out == RESULTS:
        parser.error("a rehearsal is no result: give --out")
    setting = rehearsal("digits") if options.rehearse else on_a_card(options.data)
    rows = []
    for name in options.legs or LEGS:
        leg = Leg(name, setting, options.out, options.minutes * 60)
        if options.fresh:
            leg.found, leg.answer = {}, {}
        started = time.perf_counter()
        state = _run(leg)
        rows.append((name, state, time.perf_counter() - started, leg))
    print(f"\n{'leg':12}{'state':12}{'seconds':>8}  {'measurements':>12}  answer")
    for name, state, seconds, leg in rows:
        answer = ", ".join(
            f"{key} {value}" for key, value in leg.answer.items() if not isinstance(value, list)
        )
        print(f"{name:12}{state:12}{seconds:8.0f}  {len(leg.found):12}  {answer[:160]}")
    return 0 if all(state == "finished" for _, state, _, _ in rows) else 1


def _run(leg: Leg) -> str:
    try:
        LEGS[leg.name](leg)
    except TimeIsUpError:
        leg.write(finished=False)
        return "to go on"
    except Exception as error:  # the other legs still have their turn
        leg.write(finished=False)
        print(f"{leg.name}: {type(error).__name__}: {error}", flush=True)
        return "failed"
    leg.write(finished=True)
    return "finished"


if __name__ == "__main__":
    raise SystemExit(main())
