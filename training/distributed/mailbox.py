"""The line between the first worker of a training on Ray and the process that started it.

The worker asks and waits; the starter answers. So a callback in the starter's process finds the
training standing still, as if it were trained there.
"""

import asyncio
from typing import Any

import ray

GO_ON = "go on"
STOP = "stop"


class StoppedByCallback(Exception):
    """Raised in a worker whose training the starter wants to end."""


@ray.remote(num_cpus=0)
class Mailbox:
    """An actor that carries one question at a time, and the first failure of any worker."""

    def __init__(self) -> None:
        self._questions: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self._answers: asyncio.Queue[str] = asyncio.Queue()
        self._failure: Exception | None = None

    async def ask(self, kind: str, content: Any) -> str:
        """A worker's question; returns with the starter's answer."""
        await self._questions.put((kind, content))
        return await self._answers.get()

    async def next_question(self, seconds: float) -> tuple[str, Any] | None:
        """The next question, or None where none comes within so many seconds."""
        try:
            return await asyncio.wait_for(self._questions.get(), seconds)
        except TimeoutError:
            return None

    async def answer(self, text: str) -> None:
        """The starter's answer."""
        await self._answers.put(text)

    async def fail(self, error: Exception) -> None:
        """A worker's last word; the first one counts, the others follow from it."""
        self._failure = self._failure or error

    async def failure(self) -> Exception | None:
        """The first worker's last word."""
        return self._failure
