"""How a scaled resolution is rounded, by name."""

from typing import Literal

Rounding = Literal["exact", "even", "8", "32"]
"""Of a scaled resolution: to the nearest whole pixel, or to the nearest multiple of 2, 8 or 32."""
