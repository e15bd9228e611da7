"""The heading `Example:` of our docstrings in the plural, as the reference's reader wants it."""

from typing import Any

import griffe


class Examples(griffe.Extension):
    """Reads `Example:` as `Examples:`, so that it is shown as code."""

    def on_instance(self, *, obj: Any, **_: Any) -> None:
        """Called for every function, class and module that is read."""
        if obj.docstring:
            obj.docstring.value = obj.docstring.value.replace("\nExample:\n", "\nExamples:\n")
