# Copyright (c) 2026, the publica.la collection's authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later

from __future__ import annotations

import xml.etree.ElementTree as ET

import pytest
from publica_bench import tables
from publica_bench.contenders import ALL, BULK, SCRIPT, USER_LOOP
from publica_bench.goals import Verdict
from publica_bench.jobs import FEW, NEW, Job
from publica_bench.report import BEGIN, END, Report, read_runs, with_block, write_runs
from publica_bench.runner import Pace, Results, Runner, key
from publica_bench.statistics import NotRun
from publica_bench.users import OTHER_SESSIONS, at_the_store, desired

SMALL, LARGE = Job(NEW, 100), Job(NEW, 1_000)


@pytest.fixture
def results(run) -> Results:
    """Bulk and script at two sizes; the loop at the small one, since the large one takes long."""
    results = Results()
    for job, bulk, script in ((SMALL, 2.0, 0.5), (LARGE, 4.5, 3.0)):
        results.runs[key(job), BULK.name] = [run(bulk), run(bulk * 1.1)]
        results.runs[key(job), SCRIPT.name] = [run(script), run(script * 1.1)]
    results.runs[key(SMALL), USER_LOOP.name] = [run(123.4)]
    results.left_out[key(LARGE), USER_LOOP.name] = NotRun(1234.0)
    return results


def test_a_row_has_what_was_measured_and_its_ratio_to_the_script(results):
    [row] = tables.result_rows(results, [LARGE], [BULK])

    assert row[:3] == ("1,000", "all new", "publica_user_bulk, users")
    assert row[3:] == ("2", "102", "0", "4.72 (4.50 to 4.95)", "1.00", "150", "1.50")


def test_what_was_not_run_is_never_shown_as_measured(results):
    [row] = tables.result_rows(results, [LARGE], [USER_LOOP])

    assert "not run (> 20 min by extrapolation)" in row
    assert not any(cell.replace(".", "").isdigit() for cell in row[3:])


def test_a_contender_that_did_not_finish_the_job_is_shown_as_failed(results, run):
    results.runs[key(SMALL), BULK.name].append(run(0.1, fault="12 of 100 users as desired"))

    [row] = tables.result_rows(results, [SMALL], [BULK])

    assert "failed" in row
    assert row[-1] == tables.NOTHING or "0.1" not in " ".join(row)


def test_text_and_markdown_have_the_same_cells(results):
    rows = tables.result_rows(results, [SMALL, LARGE], ALL)

    text = tables.text_table(tables.HEAD, rows, tables.NUMBERS)
    markdown = tables.markdown_table(tables.HEAD, rows, tables.NUMBERS)

    assert len(text.splitlines()) == len(markdown.splitlines()) == len(rows) + 2
    assert all(cell in text and cell in markdown for row in rows for cell in row)


def test_a_verdict_without_a_figure_is_not_kept():
    verdicts = [
        Verdict("bulk / script", 1.2, 1.25),
        Verdict("bulk / script", 1.3, 1.25),
        Verdict("loop / bulk", 80.0, 50.0, at_least=True),
        Verdict("loop / bulk", 60.0, 50.0, at_least=True, is_least=True),
        Verdict("bulk / script", None, 1.25),
    ]

    assert [verdict.met for verdict in verdicts] == [True, False, True, True, False]
    rows = tables.verdict_rows(verdicts)
    assert rows[0] == ("bulk / script", "1.20", "≤ 1.25", "yes")
    assert rows[3] == ("loop / bulk", "> 60.0", "≥ 50.0", "yes")


def test_pictures_hold_text_as_text_and_both_colour_schemes(results):
    report = Report(results, [SMALL, LARGE], [], [], {"commit": "abc"})

    pictures = report.pictures()

    assert set(pictures) == {
        "performance-unlimited.svg",
        "performance-unlimited-requests.svg",
        "performance-unlimited-memory.svg",
    }
    picture = pictures["performance-unlimited.svg"]
    words = " ".join(ET.fromstring(picture).itertext())  # noqa: S314  (our own picture)
    assert "publica_user in a loop" in words
    assert "1,000 users 4.72" in words
    assert "prefers-color-scheme: dark" in picture


def test_a_report_tells_from_how_many_users_on_one_task_is_faster(results, run):
    results.runs[key(LARGE), USER_LOOP.name] = [run(1_203.4)]

    report = Report(results, [], [SMALL, LARGE], [], {})

    # A start of 3.4 s and 1.2 s a user against less than 2 s and some milliseconds a user.
    assert report.break_even_sentence().endswith("from 1 on.")
    assert report.break_even_sentence() in report.text()
    assert report.break_even_sentence() in report.markdown()


def test_a_loop_of_one_size_tells_of_no_break_even(results):
    assert Report(results, [], [SMALL], [], {}).break_even_sentence() == ""


def test_the_same_figures_make_the_same_picture(results):
    report = Report(results, [SMALL, LARGE], [], [], {})

    assert report.pictures() == report.pictures()


def test_only_the_block_between_the_markers_is_replaced():
    page = f"before\n{BEGIN}\nold\n{END}\nafter\n"

    assert with_block(page, "new\n") == f"before\n{BEGIN}\n\nnew\n\n{END}\nafter\n"
    with pytest.raises(ValueError, match="no <!-- benchmarks"):
        with_block("a page without markers", "new")


@pytest.mark.parametrize(("users", "differing"), [(1, 1), (100, 1), (250, 2), (1_000, 10)])
def test_one_in_a_hundred_differs_and_no_other(users, differing):
    pairs = list(zip(desired(users), at_the_store(Job(FEW, users)), strict=True))

    assert sum(wanted != held for wanted, held in pairs) == differing == Job(FEW, users).differing
    assert {held["sessions_limit"] for wanted, held in pairs if wanted != held} == {OTHER_SESSIONS}


HERE = {"commit": "b2", "Python": "3.13.0"}


def test_a_benchmark_that_was_ended_goes_on_where_it_was(tmp_path, run):
    path = tmp_path / "runs.json"
    write_runs(path, {**HERE, "commit": "a1"}, [run(2.0), run(9.0, fault="ended")])

    about, earlier = read_runs(path, HERE)
    runner = Runner(tmp_path, Pace(repeats=0), print)
    runner.go_on_from(earlier)

    assert about == {**HERE, "commit": "a1 and b2"}
    assert read_runs(path, HERE, adds=False)[0] == {**HERE, "commit": "a1"}
    assert [measured.seconds for [measured] in runner.results.runs.values()] == [2.0]


def test_figures_of_another_surrounding_are_not_mixed_in(tmp_path, run):
    path = tmp_path / "runs.json"
    write_runs(path, {**HERE, "Python": "3.12.1"}, [run(2.0)])

    with pytest.raises(ValueError, match=r"Python 3\.12\.1"):
        read_runs(path, HERE)


def test_what_is_published_shows_every_picture_that_it_writes(results, tmp_path):
    (tmp_path / "images").mkdir()
    page = tmp_path / "performance.md"
    page.write_text(f"Before.\n\n{BEGIN}\n\nold\n\n{END}\n\nAfter.\n", "utf-8")

    Report(results, [SMALL, LARGE], [], [], HERE).publish(tmp_path)

    told = page.read_text("utf-8")
    written = sorted(path.name for path in (tmp_path / "images").iterdir())
    assert written
    assert all(f"](images/{name})" in told for name in written)
    assert "old" not in told
    assert told.startswith("Before.")
