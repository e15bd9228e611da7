"""A Ray of our own: it listens on the loopback alone, and asks for a token that only it knows.

Ray's ports let whoever reaches them run code. Ray 2.59 and later ask for a token; theirs lies in a
file of the home folder, which others can often read, so each of our clusters gets a new one.
"""

import atexit
import os
import secrets
import shutil
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from functools import partial
from pathlib import Path
from typing import Any
from unittest.mock import patch

import ray
from ray._private import ray_constants
from ray._private.authentication import authentication_token_setup
from ray._private.node import Node

from effsearch.results.store.scratch import claim, read_note, sweep
from effsearch.search_spaces.errors import MissingResourceError

_TOKENS = ("RAY_AUTH_TOKEN", "RAY_AUTH_TOKEN_PATH")
_MARK, _MARK_LENGTH = "EFFSEARCH_RAY", 16


@contextmanager
def own_token() -> Iterator[None]:
    """Within the block Ray's token is a new one, unless the user has given one.

    It stands in the environment, which other users cannot read and child processes inherit.
    """
    if any(os.environ.get(name) for name in _TOKENS):
        yield
        return
    os.environ[_TOKENS[0]] = secrets.token_hex(32)
    _forget_token()
    try:
        yield
    finally:
        os.environ.pop(_TOKENS[0], None)
        _forget_token()


def use_known_token() -> None:
    """Show a cluster that is joined by its address the token that the user has, if there is one.

    Ray does so only where it finds the cluster by itself; one that asks for none takes no notice.
    """
    with suppress(AttributeError):
        authentication_token_setup.maybe_enable_token_auth_if_token_available(
            warn_if_disabled=False
        )


def _forget_token() -> None:
    """Ray remembers the token of the last cluster; the next may have another."""
    loader = getattr(authentication_token_setup, "AuthenticationTokenLoader", None)
    with suppress(AttributeError):
        loader.instance().reset_cache()  # type: ignore[union-attr]


def start(**options: Any) -> None:
    """Start Ray on the loopback, with what else `ray.init` takes.

    Raises:
        MissingResourceError: it did not come up.
    """
    try:
        # "local": without it Ray joins whatever cluster it finds on this machine. Workers that are
        # started before they are asked for lack the environment that ours need, and end unused.
        with _lean():
            ray.init(
                "local",
                include_dashboard=False,
                _system_config={"prestart_worker_first_driver": False},
                **options,
            )
    except Exception as error:  # of many kinds, such as a RuntimeError with the log of a process
        with suppress(Exception):
            ray.shutdown()
        said = next(iter(str(error).strip().splitlines()), "") or type(error).__name__
        raise MissingResourceError(
            f"Ray did not start ({said.rstrip('.')}): `effsearch doctor` says what is in its way"
        ) from error


_UNUSED = ("start_monitor", "start_log_monitor")
"""What adds machines to a cluster, and what prints the logs of workers to the terminal."""


@contextmanager
def _lean() -> Iterator[None]:
    """Within the block Ray starts on the loopback, and without processes that do nothing here."""
    with ExitStack() as stack:
        # Ray's own switch for machines with a firewall that asks; as a variable of the environment
        # it is read when Ray is imported, and would hold for clusters that are joined as well.
        stack.enter_context(patch.object(ray_constants, "ENABLE_RAY_CLUSTER", False))
        for name in _UNUSED:
            if hasattr(Node, name):
                stack.enter_context(patch.object(Node, name, lambda node: None))
        yield


@contextmanager
def marked_processes() -> Iterator[None]:
    """Processes that are started in the block can be told by their environment, and ended.

    Ray's own give themselves other names, and some outlive the one that started them.
    """
    os.environ[_MARK] = secrets.token_hex(8)
    try:
        yield
    finally:
        os.environ.pop(_MARK, None)


_claimed: list[tuple[int, Path]] = []
"""Descriptors that hold folders of Rays of this process, which are shut down but for the last."""


def claim_session() -> None:
    """Make the folder of the Ray that runs this process's, until its end, for `sweep_sessions`.

    Not until Ray's end: this process still writes its log there while Ray shuts down and after it,
    and would be ended as one of what a dead program left.
    """
    with suppress(OSError, AttributeError):  # it only makes a later start tidier
        session = _session()
        _claimed.append((claim(session, os.environ.get(_MARK, "")), session))


def _session() -> Path:
    """The folder of the Ray that runs.

    Raises:
        AttributeError: none runs.
    """
    node = getattr(ray._private.worker, "_global_node", None)
    return Path(node.get_session_dir_path())  # type: ignore[union-attr]


def sweep_sessions(folder: Path) -> None:
    """Remove the sessions of our Rays whose program has ended, and end what is left of them.

    Those of this process as well, of which none may run.

    Args:
        folder: of all sessions.
    """
    while _claimed:
        owner, session = _claimed.pop()
        _end(read_note(session), session)
        shutil.rmtree(session, ignore_errors=True)
        os.close(owner)
    sweep(folder.glob("session_2*"), before=lambda session: _end(read_note(session), session))


def end_processes() -> None:
    """Kill what the Ray that runs has started, if it is ours; without /proc none of it is found."""
    if mark := os.environ.get(_MARK, ""):
        with suppress(AttributeError):
            _end(mark, _session())


def _end(mark: str, session: Path) -> None:
    """Kill the processes that bear a mark, and those that write the logs of a session.

    Ray's agents outlive it, and hide the environment that they could be told by. Another search
    that starts at this moment has a file of the session open as well, to see whose it is.
    """
    wanted = f"{_MARK}={mark}".encode() if len(mark) == _MARK_LENGTH else None
    below = f"{session.resolve()}/logs/"
    for process in Path("/proc").glob("[0-9]*"):
        with suppress(OSError):
            if process.stat().st_uid != os.getuid() or int(process.name) == os.getpid():
                continue
            marked = wanted in (process / "environ").read_bytes().split(b"\0")
            if marked or _writes(process, below):
                os.kill(int(process.name), signal.SIGKILL)


def _writes(process: Path, below: str) -> bool:
    """Whether a process has a file open for writing whose path begins so; who reads is no part."""
    for file in (process / "fd").iterdir():
        with suppress(OSError):  # it was closed
            if os.readlink(file).startswith(below):
                info = (process / "fdinfo" / file.name).read_text(encoding="ascii")
                flags = int(info.partition("flags:")[2].split()[0], 8)
                if flags & os.O_ACCMODE != os.O_RDONLY:
                    return True
    return False


def exposure() -> str:
    """Why the Ray that runs can be reached from other machines; empty where it cannot."""
    address = ray.get_runtime_context().gcs_address
    host = address.rpartition(":")[0].strip("[]")
    if host.startswith("127.") or host == "::1":
        return ""
    return (
        f"Ray {ray.__version__} listens on {host}, for it cannot be kept on the loopback: "
        "its ports ask for a token, but close them to other machines all the same"
    )


@contextmanager
def quiet_ray() -> Iterator[None]:
    """Within the block Ray prints nothing of its processes: what is lost is said by us, in a line.

    `log_to_driver=False` keeps it from printing what they write, and not what it says of them.
    """
    worker = ray._private.worker
    before = getattr(worker, "_worker_logs_enabled", True)
    worker._worker_logs_enabled = False
    try:
        yield
    finally:
        worker._worker_logs_enabled = before


def shut_down() -> None:
    """End the Ray that runs, or leave the one that was joined."""
    node = getattr(ray._private.worker, "_global_node", None)
    if node is None or not os.environ.get(_MARK):
        ray.shutdown()
        return
    session = _session()
    # Its processes are deaf to the signal that asks them to end, and each would be waited for.
    kill = partial(node.kill_all_processes, check_alive=False, allow_graceful=False)
    with patch.object(node, "kill_all_processes", lambda **graceful: kill()):
        ray.shutdown()
    _end(os.environ[_MARK], session)


def abandon() -> None:
    """End a Ray that is lost without asking it: it would be waited for, a minute and more.

    What is left of its processes is killed, and nothing of it is done as the interpreter ends.
    """
    node = getattr(ray._private.worker, "_global_node", None)
    atexit.unregister(ray.shutdown)
    if node is None:
        return
    with suppress(Exception):
        node.kill_all_processes(check_alive=False, allow_graceful=False)
    end_processes()
