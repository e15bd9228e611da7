"""A run of real networks of a small space, measured by a rule that is known."""

from pathlib import Path

import numpy as np
from making import asked, failed, make_run, told, write_ledger

from effsearch.results.loading import load_run_data
from effsearch.results.store.ledger import Event
from effsearch.results.store.run_data import RunData
from effsearch.search_spaces.cost import cost
from effsearch.search_spaces.notation import format_architecture
from effsearch.search_spaces.space_file import parse_space

SPACE = """
resolution: 32
classes: 10
stem: {channels: 16, stride: 1}
stages:
  - {op: mbconv, channels: [16, 24], expand: [1, 3, 6], kernel: [3, 5], layers: [1, 2]}
  - {op: mbconv, channels: [48, 64], expand: [3, 6], kernel: [3, 5], layers: [1, 2], se: [0, 0.25]}
head: {channels: 64}
"""


def search(root: Path, trials: int) -> RunData:
    """A run in which only the kernel of stage 1 decides; every tenth trial fails."""
    space = parse_space(SPACE, "small")
    kernel = next(i for i, gene in enumerate(space.genes) if gene.path == "stages.0.kernel")
    with make_run(root) as run:
        events: list[Event] = []
        for number, row in enumerate(space.sample(np.random.default_rng(0), trials)):
            network = space.decode(row)
            events.append(
                asked(
                    number,
                    arch_id=network.id,
                    architecture=format_architecture(network),
                    encoding=tuple(map(int, row)),
                    costs={"macs": cost(network).macs, "params": cost(network).params},
                )
            )
            accuracy = 0.5 + 0.2 * float(row[kernel]) + 0.001 * (number % 7)
            events.append(
                failed(number)
                if number % 10 == 9
                else told(number, measurements={"accuracy": accuracy}, reward=accuracy)
            )
        write_ledger(run.paths.ledger, events)
        run.finish("finished")
    return load_run_data(run)
