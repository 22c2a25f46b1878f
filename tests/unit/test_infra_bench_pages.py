import json

import pytest

from infra.bench import main
from infra.bench_pages import PERFORMANCE, README, breakdown_table, main_table, newest, write_pages
from infra.bench_rows import all_rows
from infra.marks import with_part
from tests.unit.test_infra_bench import bench_report

README_PAGE = "# Scores\n\n<!-- benchmark: begin -->\nold\n<!-- benchmark: end -->\n\n## End\n"
PERFORMANCE_PAGE = (
    "# Time\n<!-- breakdown: begin -->\n<!-- breakdown: end -->\nbetween\n"
    "<!-- all figures: begin -->\nold\n<!-- all figures: end -->\n"
)


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "bench"
    folder.mkdir()
    for day, ours, quick in (("20240101", 2.0, False), ("20240102", 1.0, False)):
        report = bench_report(ours, 50.0, 100) | {"quick": quick}
        (folder / f"bench-{day}T000000Z.json").write_text(json.dumps(report))
    return folder


@pytest.fixture
def pages(tmp_path):
    pages = tmp_path / "README.md", tmp_path / "performance.md"
    for page, text in zip(pages, (README_PAGE, PERFORMANCE_PAGE), strict=True):
        page.write_text(text)
    return pages


def test_the_newest_whole_results_count_and_quick_ones_do_not(results):
    quick = bench_report(7.0, 50.0, 100) | {"quick": True}
    (results / "bench-20240103T000000Z.json").write_text(json.dumps(quick))

    assert newest(results)["one_lead"]["ours"]["p50"] == 1.0


def test_results_of_an_older_version_are_refused(results):
    older = bench_report(7.0, 50.0, 100)
    del older["load_averages"]
    (results / "bench-20240103T000000Z.json").write_text(json.dumps(older))

    with pytest.raises(ValueError, match="run `make bench`"):
        newest(results)


def test_both_pages_are_written_between_their_marks_only(results, pages):
    write_pages(results, *pages)

    readme, performance = (page.read_text() for page in pages)
    assert readme.startswith("# Scores\n\n<!-- benchmark: begin -->\nMedians of `make bench`: some")
    assert readme.endswith("\n<!-- benchmark: end -->\n\n## End\n")
    assert "| one lead with reasons, ms | 1,000, p99 1,000 | 50,000, p99 50,000 |" in readme
    assert "<!-- breakdown: end -->\nbetween\n<!-- all figures: begin -->" in performance
    assert "| one lead with reasons, ms | 1,000 / 1,000 / 1,000 |" in performance
    write_pages(results, *pages)
    assert (readme, performance) == tuple(page.read_text() for page in pages)


def test_nothing_is_written_if_one_page_lacks_its_marks(results, pages):
    readme, performance = pages
    performance.write_text("no marks")

    with pytest.raises(ValueError, match="needs the marks"):
        write_pages(results, readme, performance)

    assert readme.read_text() == README_PAGE


def test_every_line_of_the_readme_has_as_many_cells_as_its_heading():
    table = [line for line in main_table(bench_report(1.0, 40.0, 512)).splitlines() if "|" in line]

    assert {line.count("|") for line in table} == {7}
    assert all(not line or not line.startswith(" ") for line in table)


def test_every_target_stands_in_the_readme():
    report = bench_report(1.0, 40.0, 512)
    targets = {row.target for row in all_rows(report) if row.is_main and row.target}

    assert targets >= {"at least 40 x", "at least 3 x", "at least 2.5 x", "at most 1/8"}
    assert targets >= {"at most 1/3", "at most 1/4"}
    assert all(f"| {target} |" in main_table(report) for target in targets)


def test_a_breakdown_says_times_and_shares_of_each_stage():
    report = bench_report(1.0, 40.0, 512)

    lines = breakdown_table(report).splitlines()

    assert lines[4] == "| parse the body's JSON | 10 | 11 % | 10 | 11 % |"
    assert lines[-3] == "| together | 90 | 100 % | 90 | 100 % |"


def test_the_pages_of_the_project_have_their_marks():
    for page, names in ((README, ["benchmark"]), (PERFORMANCE, ["breakdown", "all figures"])):
        text = page.read_text("utf-8")
        for name in names:
            assert with_part(text, name, "a part") != text


def test_the_command_says_what_it_cannot_write(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr("infra.bench_pages.RESULTS", tmp_path)

    assert main(["--readme"]) == 2

    assert "cannot write the figures: there are no whole results" in capsys.readouterr().err
