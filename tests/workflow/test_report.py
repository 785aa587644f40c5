"""The report as the workflow makes it: CASME II lies on disk as a licensed database does, SMIC is synthetic."""

import re

REPORT = "results/report.html"


def test_the_report_shows_synthetic_people_and_no_licensed_one(workflow):
    disjoint = {"train_disjoint", "find_disjoint_leaks", "tabulate_disjoint"}
    assert set(workflow.planned(REPORT)) == {"write_card", "draw_honesty", "make_report", *disjoint}
    workflow.run(REPORT)
    page = (workflow.folder / REPORT).read_text(encoding="utf-8")
    assert "No picture is shown of CASME II" in page
    pictures = re.findall(r'<img src="data:image/webp;base64,[^"]*" alt="([^"]*)"', page)
    clips = [words for words in pictures if "slow motion" in words]
    assert clips and all(re.match(r"s\d+_(ne|po|sur)_\d+", words) for words in clips)  # names of SMIC's clips
    assert workflow.planned(REPORT) == {}
    # what may be shown is a setting of the page alone: no table, and no card of one, is another for it
    workflow.configure(report={"faces": "none"})
    assert set(workflow.planned(REPORT)) == {"make_report"}
    workflow.run(REPORT)
    assert "image/webp" not in (workflow.folder / REPORT).read_text(encoding="utf-8")
