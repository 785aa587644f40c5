from snakemake.utils import min_version

min_version("9.27")


configfile: "config.yaml"


report: "workflow/report/workflow.rst"


# built locally from envs/Containerfile; used only with --software-deployment-method apptainer
container: "docker-daemon://cdmer:0.1.0"


# Priorities: with many cores the longest way decides when a run ends, so what trainings wait for begins before them,
# and networks, the longest, before other methods.
include: "rules/common.smk"
include: "rules/databases.smk"
include: "rules/faces.smk"
include: "rules/frames.smk"
include: "rules/features.smk"
include: "rules/models.smk"
include: "rules/tables.smk"
include: "rules/report.smk"


rule all:
    default_target: True
    input:
        tables(),
        "results/report.html",


rule all_tables:
    input:
        tables(),


rule all_features:
    input:
        PLAN.stores(PLAN.obtainable()),


rule all_sheets:
    input:
        PLAN.sheets(),
