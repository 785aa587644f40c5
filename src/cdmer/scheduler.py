"""Snakemake's scheduler, held to what a run of many jobs needs."""

from typing import Any

USUAL = (100, 1)  # jobs and seconds of Snakemake's limit where nobody sets one


def let_it_sleep(workflow: Any) -> None:
    """Take the usual limit of jobs a second from a run that is about to start.

    After every look at what may start, Snakemake (9.27, `JobScheduler.schedule`) has a timer call for another when the
    limit's second is over, and so on for as long as jobs wait. Every job that ends begins one more such chain: after
    200 jobs it looks 200 times a second, at all that are ready, which takes a fifth of a run's processor time. Without
    a limit it looks when a job has ended, and sleeps between. A limit of the user's own stays.

    Parameters
    ----------
    workflow
        Snakemake's, once its scheduler is there (``onstart``); another version's is left alone.
    """
    scheduler = getattr(workflow, "scheduler", None)
    limiter = getattr(scheduler, "job_rate_limiter", None)
    if scheduler is not None and limiter is not None and (limiter.max_jobs, limiter.timespan) == USUAL:
        scheduler.job_rate_limiter = None
