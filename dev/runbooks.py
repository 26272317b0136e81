"""The runbooks of docs/operating.md as pages that the daemon shows: `python -m dev.runbooks`.

They are made before they are shipped, so that the daemon needs no Markdown at run time.
"""

from __future__ import annotations

import re
from pathlib import Path

from markdown_it import MarkdownIt

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "docs/operating.md"
FOLDER = ROOT / "exporter/web/pages/runbooks"

_LINK = re.compile(r"\[([^\]]+)\]\(([^)]+)\)")


def build() -> dict[str, str]:
    """HTML by the name of the file: of every alert, one."""
    text = SOURCE.read_text(encoding="utf-8").partition("\n## Runbooks\n")[2].partition("\n## ")[0]
    _, *parts = re.split(r"^### (\w+)\n", text, flags=re.MULTILINE)
    sections = dict(zip(parts[::2], parts[1::2], strict=True))
    headings = {f"#{name.lower()}": f"/runbooks/{name}" for name in sections}
    # Raw HTML would be escaped: nothing but Markdown gets onto the page.
    markdown = MarkdownIt("commonmark", {"html": False})

    def link(found: re.Match[str]) -> str:
        text, target = found.groups()
        if target in headings:
            return f"[{text}]({headings[target]})"
        # Other pages of docs/ are not where the daemon is.
        return text if not target.startswith(("http://", "https://")) else found.group()

    return {
        f"{name}.html": markdown.render(_LINK.sub(link, section).strip() + "\n")
        for name, section in sections.items()
    }


def write() -> None:
    """Write the files that are shipped, and none besides."""
    FOLDER.mkdir(exist_ok=True)
    pages = build()
    for file in FOLDER.iterdir():
        if file.name not in pages:
            file.unlink()
    for name, html in pages.items():
        (FOLDER / name).write_text(html, encoding="utf-8")


if __name__ == "__main__":
    write()
