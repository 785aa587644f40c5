"""Commands that stand before SLURM's own while a run through ``profiles/slurm`` lives (`cdmer.slurm`).

``squeue`` and ``sacct`` say what the cluster says, and nothing while it does not answer. Without accounts they report
a job that is known to have been there and is no more as ``UNKNOWN``. The plugin then looks at the job's outputs: all
there, it was done; any missing, it failed, and is tried again. Outputs that are whole or absent (`cdmer.files`) make
that safe.

``sbatch`` and ``sinfo`` wait for a controller that is away. A submission whose answer was lost may have arrived all the
same; each therefore bears a mark in its comment, by which its job is found, lest the same work run twice at once.
"""

import contextlib
import os
import re
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from pathlib import Path

GUARDED = ("squeue", "sacct", "sbatch", "sinfo")
ANSWER_WITHIN = 30  # seconds for a question to SLURM
SUBMIT_WITHIN = 120  # seconds for a submission, of which the controller may have many
ASK_AGAIN = 10  # seconds between attempts while the controller is away
AWAY_AT_MOST = 12 * 3600  # seconds; longer than a day's maintenance
AWAY = re.compile(
    "Unable to contact slurm controller|connect failure|Connection refused|Socket timed out|Zero Bytes were transmitted"
    "|controller in standby|Transport endpoint is not connected|temporarily unable to accept",
    re.IGNORECASE,
)
RUN_STDERR = "CDMER_RUN_STDERR"  # the environment variable with the file of the run's own standard error
LOGS = Path(".snakemake/slurm_logs")  # where the plugin lets SLURM write; a log bears its job's number
SEEN = Path(".snakemake/slurm_jobs")  # the jobs that each run has submitted or seen in the queue

Done = subprocess.CompletedProcess[str]
Call = Callable[[], Done]


def real(command: str) -> str:
    """The environment variable with the path of the real command; empty for an ``sacct`` that has no accounts."""
    return f"CDMER_{command.upper()}"


def answer(command: str, arguments: list[str]) -> int:
    """Do in place of a command of SLURM what keeps the run going.

    Parameters
    ----------
    command
        One of `GUARDED`, as the plugin calls it.
    arguments
        Of the command.

    Returns
    -------
    int
        The exit status that the plugin shall see.
    """
    if command in {"squeue", "sacct"}:
        run = _value(arguments, "--name")
        return status_of_run(command, arguments, run) if run else _pass_on(command, arguments)
    if command == "sinfo":
        return _show(_until_it_answers(command, lambda: _ask(command, arguments)))
    if not _value(arguments, "--comment") or "--clusters" in arguments:  # not of the plugin; or not to be found again
        os.execv(os.environ[real(command)], [command, *arguments])
    return submit(arguments)


def _value(arguments: list[str], option: str) -> str:
    return arguments[arguments.index(option) + 1] if option in arguments[:-1] else ""


def _ask(command: str, arguments: list[str], given: str = "", seconds: float | None = None) -> Done:
    """Call the real command; one that has no answer within its time has failed as if the controller were away."""
    called = [os.environ[real(command)], *arguments]
    seconds = ANSWER_WITHIN if seconds is None else seconds
    try:
        return subprocess.run(called, input=given, capture_output=True, text=True, check=False, timeout=seconds)
    except subprocess.TimeoutExpired:
        return Done(called, 1, "", f"{command}: Socket timed out after {seconds} s\n")


def _show(done: Done) -> int:
    sys.stdout.write(done.stdout)
    sys.stderr.write(done.stderr)
    return done.returncode


def _pass_on(command: str, arguments: list[str]) -> int:
    """Ask what is no question about a run's jobs; an ``sacct`` without accounts has nothing to say."""
    return _show(_ask(command, arguments)) if os.environ[real(command)] else 0


def status_of_run(command: str, arguments: list[str], run: str) -> int:
    """Print the number and state of every job of a run, those that a queue has forgotten included.

    While the cluster does not answer nothing is printed, which the plugin takes for jobs that go on; were this command
    to fail five times in a row, it would never ask for them again.
    """
    accounts = bool(os.environ[real("sacct")])
    queue = ["--format=%i|%T", "--states=all", "--noheader", "--name", run]
    done = _ask("sacct", arguments) if command == "sacct" and accounts else _ask("squeue", queue)
    sys.stderr.write(done.stderr)
    if done.returncode:
        return 0
    sys.stdout.write(done.stdout)
    if not accounts:
        for job in forgotten(run, {line.split("|")[0] for line in done.stdout.split()}):
            print(f"{job}|UNKNOWN")
    return 0


def forgotten(run: str, known: set[str]) -> list[str]:
    """The jobs that were in the queue of a run or have begun, and are not known any more.

    Parameters
    ----------
    run
        The name that all jobs of a run bear.
    known
        The numbers of the jobs that the cluster knows; they are noted for the next time.
    """
    seen = _seen(run)
    _note(run, known - seen)
    begun = {log.stem for log in LOGS.rglob("*.log")}
    return sorted((seen | begun) - known)


def _seen(run: str) -> set[str]:
    note = SEEN / re.sub(r"[^\w-]", "_", run)
    return set(note.read_text(encoding="utf-8").split()) if note.exists() else set()


def _note(run: str, jobs: set[str]) -> None:
    if jobs:
        SEEN.mkdir(parents=True, exist_ok=True)
        with open(SEEN / re.sub(r"[^\w-]", "_", run), "a", encoding="utf-8") as more:
            more.writelines(f"{job}\n" for job in sorted(jobs))


def submit(arguments: list[str]) -> int:
    """Submit a job of the plugin's, once, however often the controller has to be asked, and print its number."""
    mark = f"cdmer-{uuid.uuid4().hex[:12]}"
    marked = list(arguments)
    place = marked.index("--comment") + 1
    marked[place] = f"{marked[place]},{mark}"
    run = _value(arguments, "--job-name")
    script = sys.stdin.read()

    def once() -> Done:
        return _ask("sbatch", marked, script, SUBMIT_WITHIN)

    def arrived() -> Done | None:
        found = _ask("squeue", ["--noheader", "--states=all", "--name", run, "--format=%i|%k"])
        if found.returncode:
            return found  # still away
        jobs = [line.split("|")[0] for line in found.stdout.splitlines() if line.rstrip().endswith(mark)]
        return Done(marked, 0, f"{jobs[0]}\n", "") if jobs else None

    done = _until_it_answers("sbatch", once, arrived)
    if run and done.returncode == 0:
        _note(run, set(re.findall(r"^\d+", done.stdout)))
    return _show(done)


def _until_it_answers(command: str, once: Call, arrived: Callable[[], Done | None] = lambda: None) -> Done:
    """Call `once` until it succeeds, fails for another reason than a controller that is away, or patience is over."""
    began = time.monotonic()
    told = False
    done = once()
    while done.returncode and AWAY.search(done.stderr) and time.monotonic() - began < AWAY_AT_MOST:
        if not told:
            _tell(f"SLURM's controller does not answer; {command} waits for it, {AWAY_AT_MOST // 3600} hours at most.")
            told = True
        time.sleep(ASK_AGAIN)
        done = arrived() or once()
    if told and done.returncode == 0:
        _tell(f"SLURM's controller answers again, after {time.monotonic() - began:.0f} s.")
    return done


def _tell(line: str) -> None:
    """Say something to whoever watches the run; this command's own output is read by the plugin alone."""
    with contextlib.suppress(OSError), open(os.environ.get(RUN_STDERR, os.devnull), "a", encoding="utf-8") as run:
        run.write(f"{line}\n")


if __name__ == "__main__":
    sys.exit(answer(sys.argv[1], sys.argv[2:]))
