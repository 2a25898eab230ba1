"""Tables of figures, for people to read."""
# ruff: noqa: T201 - its output is its purpose

from collections.abc import Sequence


def show(title: str, head: Sequence[str], rows: Sequence[Sequence[object]], notes: Sequence[str] = ()) -> None:
    """Print one table: the first column to the left, the others to the right, and notes below."""
    lines = [[str(name) for name in head], *([_text(cell) for cell in row] for row in rows)]
    widths = [max(len(line[column]) for line in lines) for column in range(len(head))]
    print(f"\n{title}")
    for line in lines:
        first, *others = (cell.rjust(width) for cell, width in zip(line, widths, strict=True))
        print("  ".join(["  " + first.strip().ljust(widths[0]), *others]))
    for note in notes:
        print(f"  {note}")


def _text(cell: object) -> str:
    return f"{cell:,.1f}".removesuffix(".0") if isinstance(cell, float) else str(cell)
