"""Root writes where it must not: tests of read-only folders give that right up for a while."""

import contextlib
import ctypes
import os
from collections.abc import Iterator

_VERSION = 0x20080522  # _LINUX_CAPABILITY_VERSION_3
_OVERRIDE = 0b110  # CAP_DAC_OVERRIDE and CAP_DAC_READ_SEARCH


@contextlib.contextmanager
def like_a_user() -> Iterator[None]:
    """Let file permissions count for this thread, as they do for everyone but root."""
    if os.geteuid() != 0:
        yield
        return
    libc = ctypes.CDLL(None, use_errno=True)
    header = (ctypes.c_uint32 * 2)(_VERSION, 0)
    rights = (ctypes.c_uint32 * 6)()  # effective, permitted, inheritable; twice
    if libc.capget(header, rights):
        raise OSError(ctypes.get_errno(), "capget")
    before = rights[0]
    rights[0] = before & ~_OVERRIDE
    if libc.capset(header, rights):
        raise OSError(ctypes.get_errno(), "capset")
    try:
        yield
    finally:
        rights[0] = before
        libc.capset(header, rights)
