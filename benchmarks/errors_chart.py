"""Draw errors before and after polishing (docs/errors.svg) from the tables of docs/accuracy.md."""

import re
from dataclasses import dataclass
from pathlib import Path

from matplotlib import rc_context
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from deepconsensus_py.evaluate.charts import STYLE, save_chart

DOCS = Path(__file__).resolve().parents[1] / "docs"
PAGE, CHART = DOCS / "accuracy.md", DOCS / "errors.svg"

COLOURS = {"before": "#d5dae1", "after": "#00897b"}


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


def chart(found: list[Row]) -> Figure:
    """Bars of what is left of the errors of each row."""
    with rc_context(STYLE):
        figure = Figure(figsize=(7.6, 0.7 + 0.34 * len(found)))
        axis = figure.subplots()
        for number, row in enumerate(found):
            share = row.after / row.before
            axis.barh(number, 1, color=COLOURS["before"], height=0.7)
            axis.barh(number, share, color=COLOURS["after"], height=0.7)
            text = f"{row.before:,} → {row.after:,}  (−{100 * (1 - share):.0f} %)"
            axis.annotate(text, (1, number), (8, 0), textcoords="offset points", verticalalignment="center")
        axis.set_yticks(range(len(found)), [row.label for row in found])
        axis.invert_yaxis()
        axis.set_xlim(0, 1)
        axis.xaxis.set_visible(False)
        axis.grid(visible=False)
        axis.spines[:].set_visible(False)
        axis.set_title("Errors left by polishing", loc="left", fontweight="bold")
        keys = [Patch(color=colour, label=name) for name, colour in COLOURS.items()]
        figure.legend(handles=keys, loc="upper right", ncols=2)
    return figure


if __name__ == "__main__":
    save_chart(chart(rows(PAGE.read_text())), CHART)
