"""Where a Ray of our own puts its sockets, whose paths must be short."""

import tempfile
from pathlib import Path

import pytest

from effsearch.search_spaces.errors import MissingResourceError
from effsearch.training.trials import cluster


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A short folder in place of the one for temporary files, and none other to go to."""
    folder = Path(tempfile.mkdtemp(dir="/tmp"))
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    monkeypatch.setattr(cluster, "_SHORT_FOLDERS", ())
    return folder


def test_it_is_below_the_folder_for_temporary_files(temporary: Path) -> None:
    assert cluster.ray_folder() == temporary / "ray"


def test_a_long_path_gives_way_to_a_short_one_of_the_users_own(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    long = temporary / ("x" * 60)
    long.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(long))
    monkeypatch.setattr(cluster, "_SHORT_FOLDERS", (str(temporary),))
    monkeypatch.setattr(cluster.os, "getuid", lambda: 1234)
    assert cluster.ray_folder() == temporary / "ray-1234"


def test_without_any_short_folder_the_cure_is_named(
    temporary: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", "/" + "x" * 100)
    with pytest.raises(MissingResourceError, match="set TMPDIR"):
        cluster.ray_folder()


def test_rays_longest_socket_fits_below_it() -> None:
    folder = "/" + "x" * (cluster._LONGEST_FOLDER - 1)
    socket = f"{folder}/session_2026-01-01_00-00-00_000000_4194304/sockets/plasma_store.1"
    assert len(socket) <= 107
