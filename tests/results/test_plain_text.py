"""Control characters from foreign names: spelled out on both streams, whatever prints them."""

import io
import sys

import pytest

from effsearch.results.plain_text import PlainStream, escape_controls, plain_streams, terminal

HOSTILE = "\x1b[31mred\x1b]0;title\x07\x9b2J\r\x7f‮"


def test_what_a_terminal_would_obey_is_spelled_out() -> None:
    assert escape_controls(HOSTILE) == (r"\x1b[31mred\x1b]0;title\x07\x9b2J\r\x7f\u202e")


@pytest.mark.parametrize("text", ["line\n\tindented", "Köln 東京", "α·β²·γ² ≈ 2", ""])
def test_words_of_any_language_and_lines_stay(text: str) -> None:
    assert escape_controls(text) == text


def test_within_the_block_both_streams_are_plain(capsys: pytest.CaptureFixture[str]) -> None:
    before = sys.stdout, sys.stderr
    with plain_streams(), plain_streams():
        print(HOSTILE)
        sys.stderr.writelines([HOSTILE, "\n"])
        terminal(sys.stderr).write("\x1b[1mbar\x1b[0m")
    out, err = capsys.readouterr()
    assert (sys.stdout, sys.stderr) == before
    assert "\x1b" not in out
    assert err == f"{escape_controls(HOSTILE)}\n\x1b[1mbar\x1b[0m"


def test_a_stream_of_nobody_is_let_be(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdout", None)  # as under pythonw, or with stdout closed
    with plain_streams():
        assert sys.stdout is None


def test_bytes_of_a_file_go_through_as_they_are() -> None:
    under = io.TextIOWrapper(io.BytesIO())
    PlainStream(under).buffer.write(b"\x1b\x00")
    under.flush()
    assert under.buffer.getvalue() == b"\x1b\x00"  # type: ignore[attr-defined]
