"""What the README and the pages of docs hold: fenced blocks, commands, and code within a line."""

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGES = sorted(
    page
    for page in (ROOT / "README.md", ROOT / "CONTRIBUTING.md", *(ROOT / "docs").rglob("*.md"))
    if "generated only" not in page.name
)
_FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
_CODE = re.compile(r"(?<!`)`([^`\n]+(?:\n[^`\n]+)?)`(?!`)")


@dataclass(frozen=True)
class Block:
    """A fenced block: where it starts, its language, what stands behind it, its text."""

    page: str
    line: int
    language: str
    info: str
    text: str


def blocks(page: Path, *languages: str) -> list[Block]:
    """The fenced blocks of a page in those languages, with the files that they include."""
    text = page.read_text(encoding="utf-8")
    found = []
    for match in _FENCE.finditer(text):
        language, info, body = match.groups()
        line = text.count("\n", 0, match.start()) + 1
        if not languages or language in languages:
            block = Block(page.relative_to(ROOT).as_posix(), line, language, info.strip(), body)
            found.append(block)
    return found


def commands_of(page: Path) -> Iterator[tuple[int, list[str]]]:
    """The commands of a page's shell blocks and of code within its lines, word by word."""
    for block in blocks(page, "sh"):
        text = block.text.replace("\\\n", " ")
        for offset, line in enumerate(text.splitlines(), 1):
            for command in line.split("&&"):
                words = shlex.split(command, comments=True)
                if words:
                    yield block.line + offset, words
    text = page.read_text(encoding="utf-8")
    for found in _CODE.finditer(_FENCE.sub(lambda fence: "\n" * fence[0].count("\n"), text)):
        code = " ".join(found[1].replace("\\|", "|").split())
        if re.match(r"(effsearch|make|python -m) [a-z]", code):
            yield text.count("\n", 0, found.start()) + 1, shlex.split(code)


def flags_of(page: Path) -> set[str]:
    """Options that a page names within its lines, such as `--resume`."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    return {
        flag for code in _CODE.findall(text) for flag in re.findall(r"(?<![\w-])--[a-z-]+", code)
    }
