"""`cdmer plan` on a real run: its jobs are those of the dry run, its figures those of the recorded benchmarks."""

import csv
import shutil
from pathlib import Path
from statistics import median

import pytest

from cdmer.errors import CdmerError
from cdmer.study.forecast import forecast, planned_jobs

TABLE = "results/cdmer_table.csv"


def test_a_plan_counts_the_jobs_of_the_dry_run_and_reads_what_they_cost(workflow, monkeypatch):
    monkeypatch.chdir(workflow.folder)
    monkeypatch.setenv("PYTHONPATH", str(workflow.repository / "src"))
    Path("Snakefile").write_text(f'include: "{workflow.repository / "Snakefile"}"\n')
    assert planned_jobs([TABLE]) == []  # finished
    shutil.rmtree("results/models/cdmer/C_to_V/TCA")
    Path(TABLE).unlink()  # with the table there, snakemake would miss no intermediate file
    expected = workflow.planned(TABLE)
    jobs = planned_jobs([TABLE])
    assert sorted(job.rule for job in jobs) == sorted(rule for rule, outputs in expected.items() for _ in outputs)
    found = forecast(jobs, [Path()])
    assert found.stages["models"].jobs == 1 and found.total.unknown_time == 0
    with open("results/benchmarks/models/cdmer/C_to_V/TCA.tsv", newline="") as lines:
        (row,) = csv.DictReader(lines, delimiter="\t")
    measured = float(row["cpu_time"]) if row["cpu_time"] not in ("-", "NA", "0.00") else float(row["s"])
    assert found.stages["models"].seconds == measured
    # its own files are gone: the median of the same model's for the other experiments, file by file
    names = ("predictions.csv", "metrics.json", "grid.csv")
    sizes = [[path.stat().st_size for path in Path("results/models/cdmer").glob(f"*/TCA/{name}")] for name in names]
    assert len(sizes[0]) == 5
    assert found.stages["models"].kept == round(sum(median(each) for each in sizes))
    with pytest.raises(CdmerError, match="cannot plan this run"):
        planned_jobs(["results/nothing.csv"])
