# `make table` and `make test` each do all that a fresh clone needs.
.PHONY: setup table table-full test browser-package slurm-packages slurm-test slurm-quick lint format docs bench faults audit clean

PYTHON ?= python3
CORES ?= $(shell nproc 2>/dev/null || echo 2)
BIN := .venv/bin
SLURM_TARGET ?= results/cdmer_table.csv
APT_INSTALL := apt-get install --yes --quiet --no-install-recommends

setup: .venv/.ready

.venv/.ready: envs/cpu.txt pyproject.toml
	@echo "making the environment in .venv (a few minutes, once)"
	@rm -f $@
	test -x $(BIN)/python || $(PYTHON) -m venv .venv
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps -r envs/cpu.txt
	@# torch's default build on Linux is for CUDA, and does not even load without NVIDIA's libraries
	$(BIN)/python -c "import torch" 2>/dev/null || { echo "fetching the CUDA libraries of this build of torch (gigabytes)"; \
		$(BIN)/python -m pip install --quiet --disable-pip-version-check "$$(grep '^torch==' envs/cpu.txt)"; }
	$(BIN)/python -m pip install --quiet --disable-pip-version-check --no-deps --editable .
	@touch $@
	@echo "ready; 'source .venv/bin/activate' puts snakemake and cdmer on the path"

table: setup
	$(BIN)/snakemake --cores $(CORES) all_tables
	@cat results/cdmer_table.md

# every model in every experiment, with the papers' epochs, grids and rounds: days on a processor. Stop it when you like;
# the same command goes on where it was
table-full: setup
	$(BIN)/snakemake --cores $(CORES) --configfile workflow/configs/everything.yaml -- results/cdmer_table.csv
	@cat results/cdmer_table.md

test: setup
	$(BIN)/python -m pytest -n $(CORES) --dist loadgroup -m "not slurm"

# Debian's Chromium, in which a test opens the report, and its SLURM; as root and where packages can be had
browser-package:
	@command -v chromium > /dev/null || command -v google-chrome > /dev/null || \
		DEBIAN_FRONTEND=noninteractive timeout 300 sh -c \
		'$(APT_INSTALL) chromium || { apt-get update --quiet && $(APT_INSTALL) chromium; }'

slurm-packages:
	@PATH="$$PATH:/usr/sbin"; command -v slurmctld > /dev/null && command -v munged > /dev/null || \
		DEBIAN_FRONTEND=noninteractive timeout 180 sh -c \
		'$(APT_INSTALL) slurm-wlm munge || { apt-get update --quiet && $(APT_INSTALL) slurm-wlm munge; }'

# The default table through a real SLURM, started here for as long as it takes; then what can befall a run on a cluster.
slurm-test: setup slurm-packages
	$(BIN)/python tests/slurm/cluster.py -- $(BIN)/snakemake --workflow-profile profiles/slurm $(SLURM_TARGET)
	$(BIN)/python -m pytest -m slurm

# One small table from nothing on it, compared with the same without it
slurm-quick: setup
	$(BIN)/python -m pytest -m slurm -k from_nothing

lint: setup
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/snakefmt --check Snakefile rules
	$(BIN)/snakemake --lint

format: setup
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .
	$(BIN)/snakefmt Snakefile rules

# what is generated from src/cdmer/config and from the packages; a test fails when it drifts
docs: setup
	$(BIN)/cdmer config schema > workflow/schemas/config.schema.json
	$(BIN)/cdmer config reference > docs/configuration.md
	$(BIN)/python docs/make_licences.py

bench: setup
	$(BIN)/python benchmarks/lbp_top.py
	$(BIN)/python benchmarks/descriptors.py
	$(BIN)/python benchmarks/store.py
	$(BIN)/python benchmarks/faces.py
	$(BIN)/python benchmarks/still_clip.py
	$(BIN)/python benchmarks/frames.py
	$(BIN)/python benchmarks/interpolation.py
	$(BIN)/python benchmarks/motion_curve.py
	$(BIN)/python benchmarks/flow.py

# hours: what docs/reliability.md and docs/scaling.md say
faults: setup
	$(BIN)/python benchmarks/faults.py build/faults --kills 100

# known faults of the pinned packages; needs pip-audit and a network
audit:
	@if command -v pip-audit > /dev/null; then pip-audit --requirement envs/cpu.txt --no-deps --disable-pip; \
	else echo "pip-audit is not installed: known faults of the pinned packages are not looked up"; fi

clean:
	rm -rf .venv results/[!R]* .snakemake
