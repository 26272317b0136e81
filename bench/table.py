"""Results as Markdown."""

from __future__ import annotations

from collections.abc import Sequence


def show(title: str, columns: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """Print a table; the first column is text, the others are numbers."""
    print(f"\n### {title}\n")
    print("| " + " | ".join(columns) + " |")
    print("|---" + "|---:" * (len(columns) - 1) + "|")
    for row in rows:
        print("| " + " | ".join(map(written, row)) + " |", flush=True)
    print()


def tell(*row: object) -> list[object]:
    """Print a row by itself, as soon as it is known: a run that is cut off has told of it."""
    print(*map(written, row), sep=" | ", flush=True)
    return list(row)


def written(value: object) -> str:
    """A number as a reader takes it in: thousands apart, three digits where it is small."""
    if isinstance(value, float):
        return f"{value:,.0f}" if value >= 1_000 else f"{value:.3g}"
    return f"{value:,}" if isinstance(value, int) else str(value)
