"""What a user can cause to go wrong. The front door prints one line and exits with the code here.

A message says what was wrong, where, and what to do about it.
"""

from collections.abc import Iterable, Mapping
from difflib import get_close_matches


class EffsearchError(Exception):
    """Base of every error this project raises on purpose.

    Example:
        >>> import effsearch
        >>> try:
        ...     effsearch.load_zoo("efficientnet-b9")
        ... except effsearch.EffsearchError as error:
        ...     error.exit_code
        2
    """

    exit_code: int = 1


class InputError(EffsearchError):
    """Bad usage or bad input: an option, a file, a name."""

    exit_code = 2


class InfeasibleError(EffsearchError):
    """Nothing in the space or the grid can meet the target."""

    exit_code = 3


class MissingResourceError(EffsearchError):
    """A device, a cluster or a package that was asked for is not there."""

    exit_code = 4


class ClusterLostError(EffsearchError):
    """A Ray that ran has gone. What was finished is kept, so the run can go on."""


def unknown_name(
    kind: str,
    name: object,
    known: Iterable[str],
    other_names: Mapping[str, str] | None = None,
    *,
    where: str = "",
) -> InputError:
    """The error for a name nobody knows: it names the nearest known one and lists the rest.

    Args:
        other_names: what known ones are called elsewhere, to the known one; a misspelt name may be
            nearest to one of these, and is then answered with the known one.
        where: what it stands in, such as ` in 'xx_c8'`; behind the name.
    """
    names = sorted(known)
    meant = dict(zip(names, names, strict=True)) | dict(other_names or {})
    close = get_close_matches(str(name), meant, n=1, cutoff=0.5)
    hint = f"did you mean '{meant[close[0]]}'? " if close else ""
    return InputError(f"unknown {kind} '{name}'{where}: {hint}known: {', '.join(names)}")


class Interrupted(EffsearchError):
    """Stopped by a signal; the message says how to go on. The exit code is 128 and its number."""

    exit_code = 130

    def __init__(self, message: str, exit_code: int = 130) -> None:
        super().__init__(message)
        self.exit_code = exit_code
