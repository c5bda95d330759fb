"""A window's page says what the correctors say; a real browser shows it."""

import re
import shutil
import subprocess
from dataclasses import replace
from html.parser import HTMLParser
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from deepconsensus_py.errors import InputError
from deepconsensus_py.evaluate.window import WindowView, explain_reads, explain_window
from deepconsensus_py.evaluate.window_page import called_columns, render_explanation
from deepconsensus_py.pacbio.molecule import Draft, Zmw, decode_bases, encode_bases
from deepconsensus_py.pacbio.zmws import find_zmw
from deepconsensus_py.polishing.read import PolishedRead
from deepconsensus_py.reports.outcomes import Outcome

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
ZMW, WINDOW = "4194369", 1


class Page(HTMLParser):
    """Rows of the pileup by label, all text, and what is fetched from elsewhere."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.rows: dict[str, list[str]] = {}
        self.text = ""
        self.fetched: list[str] = []
        self.ids: set[str] = set()
        self._row: list[str] | None = None
        self.feed(text)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        self.fetched += [str(given[name]) for name in ("src", "href") if name in given]
        self.ids.add(given.get("id") or "")
        if tag == "tr":
            label = given.get("data-row")
            self._row = None if label is None else self.rows.setdefault(str(label), [])
        elif tag == "td" and self._row is not None:
            self._row.append("")

    def handle_endtag(self, tag: str) -> None:
        if tag == "tr":
            self._row = None

    def handle_data(self, data: str) -> None:
        self.text += data
        if self._row:
            self._row[-1] += data

    def letters(self, label: str) -> str:
        return re.sub(r"[^ACGT]", "", "".join(self.rows[label]))


@pytest.fixture(scope="module")
def view(testdata: Path) -> WindowView:
    return explain_reads([testdata / "subreads.bam"], testdata / "ccs.bam", ZMW, WINDOW)


@pytest.fixture(scope="module")
def page(view: WindowView) -> Page:
    return Page(render_explanation(view))


def require_whole(page: Page, view: WindowView) -> None:
    """The page has the draft, the calls and every pass, column for column."""
    draft = view.zmw.draft.bases
    assert page.letters("draft") == decode_bases(draft[view.start : view.stop])
    for name, read in view.reads.items():
        polished = decode_bases(read.bases)
        assert page.letters(name) in polished
    passes = [row for label, row in page.rows.items() if re.fullmatch(r"[+−] \d+", label)]
    assert len(passes) == len(view.zmw.passes)
    assert {len(row) for row in page.rows.values()} == {len(page.rows["draft"])}
    assert "not an explanation" in page.text or not view.undecided


def test_draft_calls_and_passes_stand_in_it(page: Page, view: WindowView) -> None:
    require_whole(page, view)
    assert list(view.reads) == ["edits", "pairhmm", "vote"]


def test_passes_stand_as_they_are_in_the_pileup(page: Page, view: WindowView) -> None:
    for number, p in enumerate(view.zmw.passes):
        label = f"{'−' if p.reverse else '+'} {number + 1}"
        codes = view.pileup.bases[number, view.columns]
        assert page.letters(label) == decode_bases(codes[codes > 0])


def test_nothing_is_fetched(page: Page) -> None:
    assert page.fetched == []


def test_windows_follow_one_another_without_gaps(testdata: Path) -> None:
    zmw = find_zmw([testdata / "subreads.bam"], testdata / "ccs.bam", ZMW)
    zmw = replace(explain_window(zmw, 0, model="vote").zmw)
    last = (len(zmw.draft.bases) - 1) // 100
    views = [explain_window(zmw, number, model="vote") for number in (0, 1, last)]
    assert views[0].columns.start == 0
    assert views[0].columns.stop == views[1].columns.start
    assert views[2].stop == len(zmw.draft.bases)
    assert views[2].undecided is None
    assert "has no network" in render_explanation(views[2])


def test_a_column_networks_page_explains_its_calls(testdata: Path, tiny_model: Path) -> None:
    view = explain_reads([testdata / "subreads.bam"], testdata / "ccs.bam", ZMW, WINDOW, model=str(tiny_model))
    page = Page(render_explanation(view))
    assert view.undecided is None
    assert view.columns_called
    assert {"caution", "column-1", f"column-{len(view.columns_called)}"} <= page.ids
    for case in view.columns_called:
        assert f"{case.log_odds:+.1f}" in page.text
        for value in case.passes[np.isfinite(case.passes)]:
            assert f"{value:+.1f}" in page.text


def test_a_window_beyond_the_end_is_refused(testdata: Path) -> None:
    zmw = find_zmw([testdata / "subreads.bam"], testdata / "ccs.bam", ZMW)
    last = (len(zmw.draft.bases) - 1) // 100
    with pytest.raises(InputError, match=rf"windows 0 to {last} of 100; there is no window {last + 1}"):
        explain_window(zmw, last + 1)


def test_a_draft_without_qualities_and_passes_without_kinetics(view: WindowView) -> None:
    zmw = view.zmw
    bare = Zmw(
        Draft(zmw.draft.name, zmw.draft.bases, None),
        tuple(replace(p, pulse_widths=None, inter_pulse_durations=None) for p in zmw.passes),
    )
    plain = Page(render_explanation(explain_window(bare, WINDOW)))
    assert "draft Q" not in plain.rows
    assert "pulse width 1" not in render_explanation(explain_window(bare, WINDOW))


# Calls in columns


def called(bases: str, index: list[int], columns: list[int]) -> list[str]:
    codes = encode_bases(bases)
    read = PolishedRead(
        Draft("m/1/ccs", codes, None),
        Outcome.SUCCESS,
        bases=codes,
        qualities=np.arange(10, 10 + len(codes), dtype=np.uint8),
        draft_index=np.array(index, np.int32),
    )
    letters, worst = called_columns(read, np.array(columns, np.int32))
    assert [quality >= 0 for quality in worst] == [bool(text) for text in letters]
    return list(letters)


def test_an_inserted_base_takes_an_insertion_column() -> None:
    assert called("ACGT", [0, -1, 1, 2], [0, -1, -1, 1, 2]) == ["A", "C", "", "G", "T"]


def test_a_replaced_base_stands_in_its_place() -> None:
    assert called("ACT", [0, -1, 2], [0, -1, 1, 2]) == ["A", "", "C", "T"]


def test_a_base_without_a_column_joins_its_neighbour() -> None:
    assert called("ACGT", [0, -1, -1, 1], [0, 1]) == ["A", "CGT"]
    assert called("ACGT", [0, -1, -1, 1], [0, -1, 1]) == ["A", "CG", "T"]
    assert called("AC", [0, -1], [0]) == ["AC"]


def test_a_base_left_out_leaves_its_column_empty() -> None:
    assert called("AT", [0, 2], [0, 1, -1, 2]) == ["A", "", "", "T"]


# In a real browser


def shown(page: str, folder: Path) -> Page:
    """What a browser makes of a page."""
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    path = folder / "page.html"
    path.write_text(page, encoding="utf-8")
    browser = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    done = subprocess.run(
        [*browser, "--dump-dom", path.as_uri()], capture_output=True, text=True, timeout=120, check=True
    )
    return Page(done.stdout)


COLOURS = {
    "A": np.array([60, 160, 70]),
    "C": np.array([50, 110, 210]),
    "G": np.array([190, 140, 0]),
    "T": np.array([205, 60, 60]),
}


def screenshot(page: str, folder: Path) -> NDArray[np.float64]:
    """What a browser paints, ``float64[1000, 1600, 3]``, 0 to 255."""
    image = pytest.importorskip("matplotlib.image")
    if CHROMIUM is None:
        pytest.skip("no Chromium here")
    path, picture = folder / "page.html", folder / "page.png"
    path.write_text(page, encoding="utf-8")
    browser = [CHROMIUM, "--headless", "--no-sandbox", "--disable-gpu", f"--user-data-dir={folder / 'profile'}"]
    options = ["--window-size=1600,1000", "--hide-scrollbars", "--force-device-scale-factor=1"]
    subprocess.run(
        [*browser, *options, f"--screenshot={picture}", path.as_uri()], capture_output=True, timeout=120, check=True
    )
    return np.asarray(image.imread(picture), np.float64)[..., :3] * 255


def test_a_browser_shows_it(view: WindowView, tmp_path: Path) -> None:
    require_whole(shown(render_explanation(view), tmp_path), view)


@pytest.mark.parametrize(("share", "kind"), [(0.18, "base {}"), (0.75, "base {} other")])
def test_a_screenshot_has_the_colours_of_the_bases(view: WindowView, tmp_path: Path, share: float, kind: str) -> None:
    """A browser paints as many cells pale, and as many full, as bases equal the draft or not."""
    page = render_explanation(view)
    image = screenshot(page, tmp_path)
    painted, cells = [], []
    for letter in "ACGT":
        colour = 255 - share * (255 - COLOURS[letter])
        painted.append(int((np.abs(image - colour).max(-1) < 3).sum()))
        cells.append(len(re.findall(rf'class="{kind.format(letter)}(?: changed)?"', page)))
    assert sum(cells) > 10
    area = sum(painted) / sum(cells)
    assert area > 20, "pixels of a cell that are not those of its letter"
    np.testing.assert_allclose(painted, np.array(cells) * area, rtol=0.2, atol=3 * area)


@pytest.mark.real
def test_a_browser_shows_which_passes_decided_a_real_homopolymer(human_1m: Path, tmp_path: Path) -> None:
    """The T homopolymer at 4218 of the truth, where the strands disagree (remaining_errors.md)."""
    view = explain_reads([human_1m / "subreads_to_ccs.bam"], human_1m / "ccs.bam", "4194381", 42)
    page = shown(render_explanation(view), tmp_path)
    require_whole(page, view)
    assert view.undecided
    assert {"caution", "candidates", "homopolymer-1"} <= page.ids
    assert "Attention alone is not an explanation" in page.text
    for case in view.undecided:
        assert f"{case.base * case.length} at {case.position}: " in page.text
        assert case.decision is not None
        for value in case.decision.occlusion[np.isfinite(case.decision.occlusion)]:
            assert f"{value:+.1f}" in page.text
