"""Draw errors before and after polishing (docs/errors.svg) from the tables of docs/accuracy.md."""

import re
from dataclasses import dataclass
from pathlib import Path

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, CHART = DOCS / "accuracy.md", DOCS / "errors.svg"

STYLE = (
    "svg{font:13px sans-serif;background:#fff}text{fill:#1c2330}.light{fill:#5b6472}"
    ".before{fill:#d5dae1}.after{fill:#00897b}.title{font-weight:bold}"
)
WIDTH, LABELS, BARS, STEP, TOP = 760, 250, 300, 34, 56


@dataclass(frozen=True, slots=True)
class Row:
    """Errors of some reads.

    Attributes:
        label: which reads.
        before: errors of the drafts.
        after: errors of the reads that the default model polished, trained without their molecules.
    """

    label: str
    before: int
    after: int


def rows(page: str) -> list[Row]:
    """The rows of the chart, from the tables of the page."""
    chosen = (
        ("CCS reads", "**all**", "ccs", "Sequel, ccs reads of 5 to 17 passes"),
        ("Fewer passes, one strand", "12", "draft", "Sequel, drafts of 12 passes"),
        ("Fewer passes, one strand", "8", "draft", "… of 8 passes"),
        ("Fewer passes, one strand", "5", "draft", "… of 5 passes"),
        ("Other instruments", "… 8", "draft", "Sequel II, drafts of 8 passes"),
        ("Other instruments", "… 6", "draft", "… of 6 passes"),
    )
    return [_row(page, *place) for place in chosen]


def _row(page: str, section: str, name: str, before: str, label: str) -> Row:
    table = re.findall(r"^\|(.*)\|$", page.partition(f"### {section}\n")[2].partition("\n#")[0], re.MULTILINE)
    header, *body = ([cell.strip().strip("`") for cell in line.split("|")] for line in table)
    cells = dict(zip(header, next(cells for cells in body if cells[0] == name), strict=True))
    return Row(label, *(int(re.findall(r"\d+", cells[column])[0]) for column in (before, "edits")))


def drawn(found: list[Row]) -> str:
    """The chart, SVG."""
    height = TOP + STEP * len(found) + 12
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{WIDTH}" height="{height}" viewBox="0 0 {WIDTH} {height}">',
        f"<style>{STYLE}</style>",
        f'<text x="12" y="22" class="title">Errors left by polishing</text><g transform="translate({LABELS} 36)">',
        '<rect width="14" height="10" class="before"/><text x="20" y="10">before</text>'
        '<rect x="84" width="14" height="10" class="after"/><text x="104" y="10">after</text></g>',
    ]
    for number, row in enumerate(found):
        y, share = TOP + STEP * number, row.after / row.before
        lines += [
            f'<text x="{LABELS - 10}" y="{y + 18}" text-anchor="end">{row.label}</text>',
            f'<rect x="{LABELS}" y="{y + 2}" width="{BARS}" height="24" class="before"/>',
            f'<rect x="{LABELS}" y="{y + 2}" width="{BARS * share:.0f}" height="24" class="after"/>',
            f'<text x="{LABELS + BARS + 10}" y="{y + 18}">{row.before:,} → {row.after:,}'
            f'<tspan class="light"> (−{100 * (1 - share):.0f} %)</tspan></text>',
        ]
    return "\n".join([*lines, "</svg>", ""])


if __name__ == "__main__":
    CHART.write_text(drawn(rows(PAGE.read_text())))
