"""Passwords kept out of what is written and said: records, settings, errors."""

import re
from collections.abc import Mapping
from typing import Any

_HIDDEN = "***"
# Up to the last @, as a password that holds one unquoted must not show its tail.
_IN_URL = re.compile(r"(?P<before>[A-Za-z][\w.+-]*://[^/:@\s]*:)(?P<secret>[^\n]*)(?P<after>@)")
_IN_QUERY = re.compile(
    r"(?P<before>[?&;\s](?:\w*password|passwd|pwd|\w*secret|\w*token)=)(?P<secret>[^&;\s]+)",
    re.IGNORECASE,
)


def hide_secrets(text: str) -> str:
    """The text with the passwords of its URLs as `***`.

    Example:
        >>> hide_secrets("no answer from postgresql://me:s3cret@host/studies")
        'no answer from postgresql://me:***@host/studies'
    """
    if "://" not in text:
        return text
    text = _IN_URL.sub(rf"\g<before>{_HIDDEN}\g<after>", text)
    return _IN_QUERY.sub(rf"\g<before>{_HIDDEN}", text)


def without_secrets(value: Any) -> Any:
    """Plain data with `hide_secrets` done to each of its texts."""
    if isinstance(value, str):
        return hide_secrets(value)
    if isinstance(value, Mapping):
        return {key: without_secrets(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [without_secrets(item) for item in value]
    return value
