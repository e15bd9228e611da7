"""Measures the networks of a search, and tells a network that fails from a device that does.

A device is believed to be there where it still runs a network that its latency table holds. Only
then is a failure the network's own; else it ends the search, which can be resumed.
"""

from collections.abc import Iterator, Sequence

from effsearch.latency.base_meter import DeviceMeter, Latency, Meter, measure
from effsearch.latency.program import network_program
from effsearch.latency.table import LatencyTable
from effsearch.latency.timing import Timed, sample_in_turn
from effsearch.search_spaces.architecture import Architecture
from effsearch.search_spaces.errors import EffsearchError, MissingResourceError
from effsearch.training.trials.outcome import one_line

BESIDE = 6  # networks of the table
_ROUNDS, _PASSES = 16, 2


def measure_one_by_one(
    meter: Meter, networks: Sequence[Architecture], table: LatencyTable
) -> Iterator[Latency | EffsearchError]:
    """Each network's latency, as it is asked for, or why it has none.

    Args:
        meter: of a device that runs one program at a time, such as a command of the user's.
        networks: to measure.
        table: that the meter measured; where a network fails, its quickest one is measured.

    Raises:
        EffsearchError: the device fails, whatever it is given to run.
    """
    for network in networks:
        try:
            found: Latency | EffsearchError = measure(meter, network)
        except MissingResourceError:
            raise
        except EffsearchError as error:
            _check_device(meter, table, error)
            found = error
        yield found


def _check_device(meter: Meter, table: LatencyTable, error: EffsearchError) -> None:
    """Raise the error where the device does not run what it has run before either."""
    known = sorted(table.networks, key=lambda network: table.networks[network].low_ms)
    try:
        if known:
            measure(meter, known[0])
            return
    except EffsearchError:
        pass
    raise error


def measure_in_turn(
    meter: DeviceMeter, networks: Sequence[Architecture], beside: Sequence[Architecture]
) -> Iterator[Latency | EffsearchError]:
    """Each network's latency, or why it has none; then those of `beside`, run in turn with them.

    They run as often as those of the table did: a network that is run again and again finds its
    weights in the caches and is up to a tenth quicker than its table says.

    Raises:
        EffsearchError: the device does not run the networks of its table, or, where that has
            none, any of those given.
    """
    known = [_load(meter, network) for network in beside]
    loaded: list[Timed | EffsearchError] = []
    for network in networks:
        try:
            loaded.append(_load(meter, network))
        except EffsearchError as error:
            loaded.append(error)
    timed = [one for one in loaded if not isinstance(one, EffsearchError)]
    failed = [one for one in loaded if isinstance(one, EffsearchError)]
    if failed and not (timed or known):
        raise failed[0]
    passes = [sample_in_turn([*timed, *known], _ROUNDS) for _ in range(_PASSES)]
    quickest = (
        min(of_one, key=lambda timing: timing.low_ms) for of_one in zip(*passes, strict=True)
    )
    for network, one in zip((*networks, *beside), (*loaded, *known), strict=True):
        if isinstance(one, EffsearchError):
            yield one
        else:
            timing = next(quickest)
            yield Latency(timing=timing, setting=meter.setting, resolution=network.resolution)


def _load(meter: DeviceMeter, network: Architecture) -> Timed:
    """The network on the device, run once.

    Raises:
        EffsearchError: it cannot be, such as for too little memory.
    """
    try:
        timed = meter.prepare(network_program(network))
        timed()
    except Exception as error:  # whatever the device's library raises
        raise EffsearchError(f"network {network.id} could not be run: {one_line(error)}") from None
    return timed
