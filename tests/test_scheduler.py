"""Snakemake's scheduler looks for work when a job has ended, not all the time."""

import os
import subprocess
import sys

import pytest

# Thirty jobs that end at once, then two that take three seconds, of which one waits for the other: looks at what may
# start are counted.
SNAKEFILE = """
from cdmer.scheduler import let_it_sleep

looks = []

rule all:
    input: expand("short{n}", n=range(30)), "long1", "long2"

rule short:
    output: "short{n}"
    priority: 1
    shell: "touch {output}"

rule long:
    output: "long{n}"
    shell: "sleep 3; touch {output}"

onstart:
    let_it_sleep(workflow)
    select = workflow.scheduler.job_selector
    workflow.scheduler.job_selector = lambda jobs: (looks.append(1), select(jobs))[1]

onsuccess:
    print("looks", len(looks))
"""


@pytest.mark.parametrize(("limit", "most"), [((), 40), (("--max-jobs-per-timespan", "99/1s"), 0)])
def test_it_looks_once_a_job_unless_a_limit_is_asked_for(tmp_path, limit, most):
    (tmp_path / "Snakefile").write_text(SNAKEFILE)
    command = [sys.executable, "-m", "snakemake", "--cores", "1", "--scheduler", "greedy", "--quiet", "all", *limit]
    done = subprocess.run(command, cwd=tmp_path, env=os.environ, capture_output=True, text=True, check=True)
    looks = int(done.stdout.split("looks ")[1].split()[0])
    assert looks <= most if most else looks > 60
