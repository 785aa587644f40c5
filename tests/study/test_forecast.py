"""What a run will cost: jobs read off a dry run, seconds and bytes off records that the test writes."""

import pytest

from cdmer.config.reading import read_config
from cdmer.errors import CdmerError
from cdmer.planning.plan import Plan
from cdmer.study.forecast import checkpoint_bytes, forecast, parse_jobs
from cdmer.study.forecast_page import as_table, told
from cdmer.study.layout import lay_out

DRY_RUN = """
[Sat Nov 21 19:12:25 2026]
rule train_model:
    input: results/features/f/casme2.h5, results/features/f/smic_nir.h5
    output: results/models/cdmer/C_to_N/TGSR/predictions.csv, results/models/cdmer/C_to_N/TGSR/metrics.json
    log: results/models/cdmer/C_to_N/TGSR/log.txt
    jobid: 120
    benchmark: results/benchmarks/models/cdmer/C_to_N/TGSR.tsv
    reason: Missing output files
    wildcards: experiment=C_to_N, model=TGSR
    resources: tmpdir=/tmp, mem_mb=1500
[Sat Nov 21 19:12:25 2026]
rule train_network:
    output: results/models/cdmer/C_to_N/STSTNet/predictions.csv
    jobid: 121
    benchmark: results/benchmarks/models/cdmer/C_to_N/STSTNet.tsv
    wildcards: experiment=C_to_N, model=STSTNet
    resources: tmpdir=/tmp, mem_mb=3000, gpu=1

rule compute_features:
    output: results/features/f/casme2/sub01.h5
    benchmark: results/benchmarks/features/f/casme2/sub01.tsv
    wildcards: feature=f, database=casme2, subject=sub01
    resources: tmpdir=/tmp

localrule all:
    input: results/report.html
    jobid: 0
    resources: tmpdir=/tmp
"""


def record(folder, benchmark, clock, processor, **files):
    path = folder / "results" / "benchmarks" / benchmark
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"s\th:m:s\tcpu_time\n{clock}\t0:00:01\t{processor}\n")
    for name, size in files.items():
        file = folder / "results" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(b"x" * size)


@pytest.fixture
def jobs():
    return [job for job in parse_jobs(DRY_RUN) if job.outputs]


def test_a_job_costs_what_it_cost_and_else_what_the_jobs_most_like_it_did(jobs, tmp_path):
    assert [(job.rule, job.stage, job.gpu) for job in jobs] == [
        ("train_model", "models", False), ("train_network", "models", True), ("compute_features", "features", False)
    ]  # fmt: skip
    for experiment, seconds in (("H_to_V", 10), ("V_to_H", 20), ("N_to_V", 60)):  # TGSR elsewhere: median 20
        record(tmp_path, f"models/cdmer/{experiment}/TGSR.tsv", 99, seconds)
        (tmp_path / f"results/models/cdmer/{experiment}/TGSR").mkdir(parents=True)
        for name, size in (("predictions.csv", 100), ("metrics.json", 11)):
            (tmp_path / f"results/models/cdmer/{experiment}/TGSR/{name}").write_bytes(b"x" * size)
    record(tmp_path, "models/cdmer/C_to_N/SVM.tsv", 99, 1000)  # another model tells nothing
    record(tmp_path, "models/cdmer/C_to_N/STSTNet.tsv", 7200, 3)  # with a GPU the clock counts
    for subject, size in (("sub02", 5), ("sub03", 7)):
        record(tmp_path, f"features/f/casme2/{subject}.tsv", 4, 2, **{f"features/f/casme2/{subject}.h5": size})
    record(tmp_path, "features/f/smic_hs/s1.tsv", 500, 500)  # another database: less like
    record(tmp_path, "features/f/casme2.tsv", 900, 900)  # another rule
    found = forecast(jobs, [tmp_path])
    models, features = found.stages["models"], found.stages["features"]
    assert (features.jobs, features.seconds, features.kept) == (1, 2.0, 6)
    assert models.gpu_seconds == 7200 and models.seconds == 7200 + 20  # the median of 10, 20 and 60
    assert models.kept == 111 and models.unknown_size == 1
    assert found.hours(cores=2) == pytest.approx(2.0)  # no job is faster than itself
    assert found.hours(cores=1) == pytest.approx((7200 + 20 + 2) / 3600)
    text = as_table(found, 2, tmp_path, 1500)
    assert "total           3      2.0 h       2.0 h" in text and "1 of unknown size" in text and "2 KB" in text
    assert told(found, 2, 0)["total"]["jobs"] == 3


def test_a_job_whose_like_never_ran_is_unknown_and_a_broken_record_is_none(jobs, tmp_path):
    record(tmp_path, "models/cdmer/C_to_N/TGSR.tsv", "NA", "-")
    found = forecast(jobs, [tmp_path, tmp_path / "nowhere"])
    assert found.total.unknown_time == 3 and found.total.seconds == 0
    record(tmp_path, "models/cdmer/C_to_N/TGSR.tsv", 0.4, "-")  # over before it was looked at
    assert forecast(jobs, [tmp_path]).stages["models"].seconds == 0.4
    assert forecast(jobs, [tmp_path]).total.unknown_time == 2
    assert "unknown" in as_table(forecast(jobs, [tmp_path]), 1, tmp_path, 0)


def test_a_finished_run_has_nothing_to_do(tmp_path):
    assert as_table(forecast([], [tmp_path]), 1, tmp_path, 0).startswith("nothing to be done")


def test_the_checkpoint_of_a_network_is_its_weights_and_what_the_optimiser_remembers(jobs):
    plan = Plan(read_config({"models": ["STSTNet", "TGSR"], "rounds": 2, "cohort": {"size": "tiny"}}))
    # STSTNet: 3 + 5 + 8 maps of 3 x 3 over 3 channels with biases and batch normalisation, 400 inputs to 3 classes
    parameters = sum(maps * (3 * 9 + 1) + 2 * maps for maps in (3, 5, 8)) + 400 * 3 + 3
    assert checkpoint_bytes(jobs, plan) == 4 * parameters * 3 * 2
    assert checkpoint_bytes(jobs[2:], plan) == 0


def test_a_study_is_laid_out_once(tmp_path):
    written = lay_out(tmp_path / "mine")
    assert {path.name for path in written} >= {"Snakefile", "config.yaml", "README.md", ".gitignore"}
    assert (tmp_path / "mine/README.md").read_text().startswith("# mine\n")
    with pytest.raises(CdmerError, match="already"):
        lay_out(tmp_path / "mine")
    (tmp_path / "file").write_text("")
    with pytest.raises(CdmerError, match="is a file"):
        lay_out(tmp_path / "file")
