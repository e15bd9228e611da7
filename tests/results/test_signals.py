"""Signals that ask to stop: obeyed once, deadly the second time, and left alone where ignored."""

import os
import signal
import subprocess
import sys
from contextlib import suppress

import pytest

from effsearch.results.store.signals import (
    deaf_children,
    exit_code,
    held_back,
    stopping_on_signals,
    wished_stop,
)

SIGNALS = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@pytest.mark.parametrize("number", SIGNALS)
def test_each_raises_and_gives_its_exit_code(number: signal.Signals) -> None:
    with pytest.raises(KeyboardInterrupt), stopping_on_signals():
        os.kill(os.getpid(), number)
    assert exit_code() == 128 + number


def test_after_the_block_the_handlers_are_what_they_were() -> None:
    before = [signal.getsignal(number) for number in SIGNALS]
    with stopping_on_signals(), wished_stop(), held_back():
        pass
    assert [signal.getsignal(number) for number in SIGNALS] == before


@pytest.mark.parametrize("number", SIGNALS)
def test_a_second_one_ends_the_process_at_once(number: signal.Signals) -> None:
    code = (
        "import os, time\n"
        "from effsearch.results.store.signals import stopping_on_signals\n"
        "with stopping_on_signals():\n"
        "    try:\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "    except KeyboardInterrupt:\n"
        f"        os.kill(os.getpid(), {int(number)})\n"
        "        time.sleep(60)\n"
    )
    assert subprocess.run([sys.executable, "-c", code]).returncode == -number


def test_a_wish_is_told_and_not_raised() -> None:
    with wished_stop() as wished:
        assert not wished()
        os.kill(os.getpid(), signal.SIGTERM)
        assert wished()


def test_a_signal_that_is_held_back_comes_after_the_block() -> None:
    reached = []
    with suppress(KeyboardInterrupt), stopping_on_signals():
        with held_back():
            os.kill(os.getpid(), signal.SIGTERM)
            reached.append("the end of the block")
        reached.append("what follows")
    assert reached == ["the end of the block"]


def test_a_second_one_ends_the_process_also_where_signals_are_held_back() -> None:
    code = (
        "import os, signal, time\n"
        "from effsearch.results.store.signals import held_back, stopping_on_signals\n"
        "with stopping_on_signals():\n"
        "    try:\n"
        "        os.kill(os.getpid(), signal.SIGTERM)\n"
        "    except KeyboardInterrupt:\n"
        "        with held_back():  # as when Ray is shut down\n"
        "            os.kill(os.getpid(), signal.SIGTERM)\n"
        "            print('still there', flush=True)\n"
    )
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (-signal.SIGTERM, "")


def test_a_process_started_deaf_stays_so(monkeypatch: pytest.MonkeyPatch) -> None:
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)  # as nohup does
    try:
        with stopping_on_signals():
            os.kill(os.getpid(), signal.SIGHUP)
    finally:
        signal.signal(signal.SIGHUP, before)


def test_children_that_are_made_deaf_hear_nothing() -> None:
    with deaf_children(signal.SIGHUP):
        child = subprocess.Popen([sys.executable, "-c", "import time; time.sleep(0.5)"])
    child.send_signal(signal.SIGHUP)
    assert child.wait() == 0


def test_a_signal_sent_while_a_library_takes_it_for_itself_is_ours_after_it() -> None:
    # As Ray does with SIGTERM when it starts, in Python and behind its back.
    code = """
import ctypes, os, signal
from effsearch.results.store.signals import deaf_children, held_back, stopping_on_signals
try:
    with stopping_on_signals(), held_back(), deaf_children(signal.SIGTERM):
        signal.signal(signal.SIGTERM, lambda *signal: os._exit(15))
        ctypes.CDLL(None).signal(int(signal.SIGTERM), None)
        os.kill(os.getpid(), signal.SIGTERM)
except KeyboardInterrupt:
    print("obeyed")
"""
    ended = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert (ended.returncode, ended.stdout) == (0, "obeyed\n"), ended.stderr


def test_a_stop_without_a_signal_is_not_taken_for_an_earlier_one() -> None:
    with pytest.raises(KeyboardInterrupt), stopping_on_signals():
        os.kill(os.getpid(), signal.SIGTERM)
    assert exit_code() == 143
    with pytest.raises(KeyboardInterrupt), stopping_on_signals():
        raise KeyboardInterrupt
    assert exit_code() == 130
