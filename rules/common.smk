import inspect
import json

from cdmer.code import code_digest
from cdmer.config import read_config
from cdmer.errors import CdmerError
from cdmer.planning.plan import Plan
from cdmer.runlock import hold_run_lock
from cdmer.scheduler import let_it_sleep
from cdmer.watch import set_job_environment


def plan_run():
    """The plan of this run; a fault in the configuration or in a database ends it with one message."""
    try:
        plan = Plan(
            read_config(config),
            remembered=".snakemake/census.json",
            fresh=workflow.is_main_process,
        )
        plan.census
        return plan
    except CdmerError as error:
        raise WorkflowError(str(error)) from None


if workflow.is_main_process and hold_run_lock():
    logger.info("A run that was killed had left its lock here; it is removed.")

PLAN = plan_run()

set_job_environment()


onstart:
    let_it_sleep(workflow)


wildcard_constraints:
    database="|".join(PLAN.databases) or "none",
    recipe=r"[\w.@-]+",
    feature="|".join(PLAN.config.features),
    interpolator="|".join(PLAN.config.interpolators) or "none",
    sheet=r"[\w-]+",
    subject=r"[\w.-]+",
    experiment=r"[A-Z]_to_[A-Z]|composite|\w+_(\d|objective)",
    protocol="cde|single|holdout|lodo",
    table="(cdmer|cde|single|holdout|lodo)_table|cdmer_disjoint",
    model="|".join(PLAN.models),


def ask(method, **fixed):
    """A function of a rule's wildcards that asks the plan, by the names of the method's parameters.

    Settings come back as one canonical text, so that only a change of their values changes a rule's params.
    """
    names = [name for name in inspect.signature(method).parameters if name not in fixed]

    def answer(wildcards):
        try:
            found = method(
                **{name: getattr(wildcards, name) for name in names}, **fixed
            )
        except CdmerError as error:
            raise WorkflowError(str(error)) from None
        return json.dumps(found, sort_keys=True) if isinstance(found, dict) else found

    return with_parameters(answer, "wildcards")


def with_parameters(function, *names):
    """The function, its parameters noted where Python looks first.

    Snakemake looks at them some twenty times a job, and working them out took a sixth of planning.
    """
    kind = inspect.Parameter.POSITIONAL_OR_KEYWORD
    function.__signature__ = inspect.Signature(
        [inspect.Parameter(name, kind) for name in names]
    )
    return function


def growing(amount):
    """A resource that each attempt asks for more of: a job that ran out of memory or time is tried with twice, thrice.

    It is a number, or a function of a rule's wildcards.
    """

    def asked(wildcards, attempt):
        return (amount(wildcards) if callable(amount) else amount) * attempt

    return with_parameters(asked, "wildcards", "attempt")


def networks():
    """A pattern of the models that are networks."""
    return "|".join(filter(PLAN.is_network, PLAN.models)) or "none"


def models_on_vectors():
    """A pattern of the models that are not."""
    return "|".join(name for name in PLAN.models if not PLAN.is_network(name)) or "none"


def tables():
    figures = ["results/cdmer_honesty.png"] if PLAN.compares_selections() else []
    if PLAN.disjoint():
        figures += [
            f"results/cdmer_disjoint.{suffix}" for suffix in ("csv", "md", "card.json")
        ]
    return [
        f"results/{protocol}_table.{suffix}"
        for protocol in PLAN.config.protocols
        for suffix in ("csv", "md", "card.json")
    ] + figures
