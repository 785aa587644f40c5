"""What the workflow computes for a configuration: the only logic between `config.yaml` and the rules.

Used when the DAG is built (rules/common.smk wraps it), never by a job. One class a stage, each on top of the stage
before it: what a stage's rules ask stands in the file of its name.
"""

from cdmer.planning.report import ReportPlan


class Plan(ReportPlan):
    """The databases, subjects, features, experiments, tables and report of one configuration."""
