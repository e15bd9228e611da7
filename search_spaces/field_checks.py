"""What a field of a network may hold: whole numbers within bounds, odd kernels, finite ratios."""

import math

from effsearch.search_spaces.errors import InputError

# Far beyond any network; a slip such as 10⁹ layers must not fill the memory.
MOST_LAYERS = 10_000
LARGEST_COUNT = 1_000_000


def check_counts(where: str, **counts: object) -> None:
    for name, value in counts.items():
        if not isinstance(value, int) or isinstance(value, bool) or value < 1:
            raise InputError(f"{where}: {name} must be a whole number of at least 1, not {value!r}")
        if value > LARGEST_COUNT:
            shown = value if value < 10**12 else f"a number of {len(str(value))} digits"
            raise InputError(f"{where}: {name} is at most {LARGEST_COUNT}, not {shown}")


def check_kernel(where: str, kernel: object, name: str = "kernel") -> None:
    if not isinstance(kernel, int) or isinstance(kernel, bool) or kernel < 1 or kernel % 2 == 0:
        raise InputError(f"{where}: {name} must be an odd whole number, not {kernel!r}")


def check_one_or_several(where: str, name: str, kernel: object, several: bool) -> None:
    if not isinstance(kernel, tuple):
        check_kernel(where, kernel, name)
        return
    if not several:
        raise InputError(f"{where}: {name} must be one odd whole number, not {list(kernel)}")
    for one in kernel:
        check_kernel(where, one, name)


def check_ratio(where: str, name: str, value: object, lowest: float) -> None:
    usable = isinstance(value, int | float) and not isinstance(value, bool)
    if not usable or not math.isfinite(value) or value < lowest:  # type: ignore[arg-type,operator]
        raise InputError(f"{where}: {name} must be a finite number above zero, not {value!r}")
