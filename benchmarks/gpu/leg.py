"""A leg: measurements by name, each kept at once, none begun that the leg's time does not hold."""

import json
import os
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import torch

from benchmarks.gpu.setting import Setting
from benchmarks.machine import machine

PACKAGES = ("torch", "timm", "numpy", "scipy", "pandas", "scikit-learn", "pyarrow")


class TimeIsUpError(Exception):
    """The next measurement would end after the leg's time."""


@dataclass
class Leg:
    """What one leg has found so far, in `gpu_<name>.json`.

    Args:
        name: of the leg.
        setting: sizes, device and data.
        folder: where the file lies; models and tables of the leg go there too.
        seconds: the leg may take, from now.
    """

    name: str
    setting: Setting
    folder: Path
    seconds: float
    found: dict[str, Any] = field(init=False)
    answer: dict[str, Any] = field(init=False, default_factory=dict)
    _begun: float = field(init=False, default_factory=time.monotonic)

    def __post_init__(self) -> None:
        self.found = {}
        self.folder.mkdir(parents=True, exist_ok=True)
        if self.path.exists():
            document = json.loads(self.path.read_text(encoding="utf-8"))
            if document["setting"] == self.setting.described():
                self.found, self.answer = document["found"], document["answer"]

    @property
    def path(self) -> Path:
        """Of the leg's file."""
        return self.folder / f"gpu_{self.name}.json"

    @property
    def left(self) -> float:
        """Seconds until the leg has to end."""
        return self.seconds - (time.monotonic() - self._begun)

    def once(self, key: str, measure: Callable[[], Any], *, seconds: float = 0.0) -> Any:
        """What was found under this name, else what is measured now.

        Args:
            key: names the measurement within the leg.
            measure: gives JSON data.
            seconds: it is expected to take; not begun where less is left.

        Raises:
            TimeIsUpError: it was not begun.
        """
        if key not in self.found:
            if self.left <= seconds:
                raise TimeIsUpError
            self.found[key] = measure()
            self.write(finished=False)
            print(f"{self.name}: {key}: {_short(self.found[key])}", flush=True)
        return self.found[key]

    def conclude(self, **answer: Any) -> None:
        """What follows from the measurements so far; replaces what followed before."""
        self.answer = answer
        self.write(finished=False)

    def write(self, *, finished: bool) -> None:
        """Keep all there is, in place of the file before."""
        document = {
            "machine": machine(PACKAGES) | card(),
            "leg": self.name,
            "setting": self.setting.described(),
            "finished": finished,
            "answer": self.answer,
            "found": self.found,
        }
        beside = self.path.with_suffix(".tmp")
        beside.write_text(json.dumps(document, indent=1, ensure_ascii=False) + "\n", "utf-8")
        os.replace(beside, self.path)


def card() -> dict[str, Any]:
    """The card with its memory, driver and libraries; nothing without one."""
    if not torch.cuda.is_available():
        return {}
    properties = torch.cuda.get_device_properties(0)
    return {
        "card": properties.name,
        "card_memory_gib": round(properties.total_memory / 2**30, 1),
        "driver": _driver(),
        "cuda": torch.version.cuda,
        "cudnn": torch.backends.cudnn.version(),
    }


def _driver() -> str | None:
    try:
        text = Path("/proc/driver/nvidia/version").read_text(encoding="utf-8")
    except OSError:
        return None
    words = text.partition("Kernel Module")[2].split()
    return next((word for word in words if word[0].isdigit()), None)


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 160 else text[:157] + "..."
