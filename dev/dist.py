"""Make sdist and wheel: `python -m dev.dist [URL [REF]]`, with the address of the repository.

An index shows README.md where its neighbours are not. With an address, such as
https://git.example.com/team/exporter, links and pictures lead there, and the metadata have it.
Without one, pictures are left out and links are their text.
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
FOLDER = ROOT / "dist"
INDEX = "README.index.md"
"""What the index shows; it is in the sdist, too, for whoever builds from that."""

_LINK = re.compile(r"(!?)\[([^\]]*)\]\((?!\w+:|#)([^)]+)\)")


def for_index(text: str, url: str = "", ref: str = "main") -> str:
    """README.md as it can be read where nothing of the repository is."""

    def absolute(found: re.Match[str]) -> str:
        picture, words, path = found.groups()
        if not url:
            return "" if picture else words
        return f"{picture}[{words}]({url}/{'raw' if picture else 'blob'}/{ref}/{path})"

    return re.sub(r"\n{3,}", "\n\n", _LINK.sub(absolute, text))


def with_urls(project: str, url: str, ref: str) -> str:
    """pyproject.toml for the index: the other README, and the addresses if there is one."""
    project = project.replace('\nreadme = "README.md"\n', f'\nreadme = "{INDEX}"\n')
    if not url:
        return project
    urls = {
        "Homepage": url,
        "Documentation": f"{url}/blob/{ref}/README.md",
        "Changelog": f"{url}/blob/{ref}/CHANGELOG.md",
        "Issues": f"{url}/issues",
    }
    lines = "".join(f'{name} = "{target}"\n' for name, target in urls.items())
    return project.replace(
        "\n[project.scripts]\n", f"\n[project.urls]\n{lines}\n[project.scripts]\n"
    )


def build(folder: Path, url: str = "", ref: str = "main") -> None:
    """Make both in a folder, of the files that are under version control as they are now.

    Raises:
        subprocess.CalledProcessError: it cannot be built; the reason is on standard error.
    """
    listed = subprocess.run(
        ["git", "ls-files", "-z"],  # noqa: S607 - whichever git the developer has
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    with tempfile.TemporaryDirectory() as temporary:
        tree = Path(temporary)
        for name in filter(None, listed.stdout.split("\0")):
            if (ROOT / name).is_file():
                (tree / name).parent.mkdir(parents=True, exist_ok=True)
                shutil.copy2(ROOT / name, tree / name)
        readme, project = tree / "README.md", tree / "pyproject.toml"
        (tree / INDEX).write_text(for_index(readme.read_text("utf-8"), url, ref), "utf-8")
        project.write_text(with_urls(project.read_text("utf-8"), url, ref), "utf-8")
        command = [sys.executable, "-m", "build", f"--outdir={folder}", str(tree)]
        subprocess.run(command, check=True)  # noqa: S603 - the same


if __name__ == "__main__":
    shutil.rmtree(FOLDER, ignore_errors=True)
    build(FOLDER, *sys.argv[1:])
