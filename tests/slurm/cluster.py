"""A real SLURM on this machine: two processors, two GPUs that are none, started and ended by the tests.

By hand, for anything that should run on a cluster::

    python tests/slurm/cluster.py -- snakemake --workflow-profile profiles/slurm results/cdmer_table.csv

Needs root and the packages ``slurm-wlm`` and ``munge``. The controller's files go into a folder of their own; only
``slurm.conf`` and ``gres.conf`` must lie in /etc/slurm, where job steps look for them, and are taken away again.
"""

import argparse
import contextlib
import getpass
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SETTINGS = Path("/etc/slurm")
STATE = "cdmer-cluster-"  # how the folder of a cluster's files begins
OURS = "# written by cdmer's tests, and taken away when they end\n"
MUNGE = Path("/run/munge/munged.pid")
GPUS = ("/dev/null", "/dev/zero")  # devices that every machine has stand for GPUs: counted and handed out as real ones
UP = {"IDLE", "MIXED", "ALLOCATED"}  # of a node that takes jobs
HOW_TO_GET_IT = "as root: apt-get install --no-install-recommends slurm-wlm munge"

CONFIGURATION = """\
ClusterName=lab
SlurmctldHost={host}(127.0.0.1)
SlurmUser=root
SlurmdUser=root
AuthType=auth/munge
CredType=cred/munge
ProctrackType=proctrack/linuxproc
TaskPlugin=task/affinity
JobAcctGatherType=jobacct_gather/linux
JobAcctGatherFrequency=task=1
JobAcctGatherParams=OverMemoryKill
AccountingStorageType=accounting_storage/none
JobCompType=jobcomp/filetxt
JobCompLoc={state}/finished-jobs.txt
SelectType=select/cons_tres
SelectTypeParameters=CR_CPU_Memory
SchedulerParameters=sched_interval=2,bf_interval=2,batch_sched_delay=0,sched_min_interval=0
DefMemPerCPU=1000
MinJobAge={min_job_age}
MessageTimeout=5
SlurmctldTimeout=5
OverTimeLimit=0
KillWait=1
ReturnToService=2
GresTypes=gpu
StateSaveLocation={state}/controller
SlurmdSpoolDir={state}/node
SlurmctldPidFile={state}/slurmctld.pid
SlurmdPidFile={state}/slurmd.pid
SlurmctldLogFile={state}/slurmctld.log
SlurmdLogFile={state}/slurmd.log
NodeName={host} NodeAddr=127.0.0.1 CPUs=2 Boards=1 SocketsPerBoard=1 CoresPerSocket=2 ThreadsPerCore=1 \
RealMemory={memory} Gres=gpu:{gpus} State=UNKNOWN
PartitionName=main Nodes=ALL Default=YES MaxTime=INFINITE State=UP OverSubscribe=NO
"""


def why_not() -> str:
    """Why no cluster can be started here; empty where one can."""
    missing = [name for name in ("slurmctld", "slurmd", "munged", "squeue") if not _program(name)]
    if missing:
        return f"{', '.join(missing)} not on this machine ({HOW_TO_GET_IT})"
    if getpass.getuser() != "root":
        return "SLURM's daemons are started as root"
    configuration = SETTINGS / "slurm.conf"
    if not configuration.exists():
        return ""
    if not configuration.read_text().startswith(OURS):
        return f"{configuration} belongs to a SLURM of this machine's own"
    state = _state_of(configuration)
    if state is not None and _lives(state / "starter.pid"):
        return "the one that these tests start is running already"
    return ""


def _state_of(configuration: Path) -> Path | None:
    """Where the cluster of a configuration of ours keeps its files."""
    found = re.search(r"^StateSaveLocation=(.*)/controller$", configuration.read_text(), flags=re.MULTILINE)
    return Path(found[1]) if found else None


def _lives(pid_file: Path) -> bool:
    try:
        os.kill(int(pid_file.read_text()), 0)
    except (OSError, ValueError):
        return False
    return True


def _sweep() -> None:
    """End and take away what tests that were killed have left."""
    for state in Path(tempfile.gettempdir()).glob(f"{STATE}*"):
        if not _lives(state / "starter.pid"):
            for name in ("slurmd", "slurmctld"):
                _end(state / f"{name}.pid")
            if (state / "own-munge").exists():
                _end(MUNGE)
            shutil.rmtree(state, ignore_errors=True)


def _program(name: str) -> str | None:
    return shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin:/sbin")


def _ask(*command: str) -> str:
    return subprocess.run(command, capture_output=True, text=True, check=False, timeout=30).stdout


@dataclass(frozen=True)
class Cluster:
    """A running cluster: one controller, one node."""

    state: Path

    @property
    def node(self) -> str:
        return socket.gethostname()

    @property
    def configuration(self) -> Path:
        return SETTINGS / "slurm.conf"

    def start_controller(self) -> None:
        subprocess.run([_program("slurmctld")], check=True)
        self._wait(lambda: "UP" in _ask("scontrol", "ping"))

    def end_controller(self) -> None:
        self.thaw_controller()
        _end(self.state / "slurmctld.pid")

    def freeze_controller(self) -> None:
        """Let the controller accept questions and answer none."""
        os.kill(int((self.state / "slurmctld.pid").read_text()), signal.SIGSTOP)

    def thaw_controller(self) -> None:
        with contextlib.suppress(OSError, ValueError):
            os.kill(int((self.state / "slurmctld.pid").read_text()), signal.SIGCONT)

    def recover(self) -> None:
        """Whatever a test has done to it: nothing runs, controller and node are up."""
        self.thaw_controller()
        if not _lives(self.state / "slurmctld.pid"):
            self.start_controller()
        for user in ("root", "nobody"):
            subprocess.run(["scancel", "--signal=KILL", "--full", "--user", user], check=False, timeout=60)
            subprocess.run(["scancel", "--user", user], check=False, timeout=60)
        self._wait(lambda: not _ask("squeue", "--noheader"))
        if not _lives(self.state / "slurmd.pid"):
            self.start_node()
        if self.node_state() not in UP:
            self.resume()

    def start_node(self) -> None:
        subprocess.run([_program("slurmd")], check=True)
        self._wait(lambda: self.node_state() in UP)

    def end_node(self) -> None:
        _end(self.state / "slurmd.pid")

    def node_state(self) -> str:
        return _ask("sinfo", "--noheader", "--Node", "--format=%T").strip().upper().rstrip("*")

    def drain(self) -> None:
        subprocess.run(["scontrol", "update", f"nodename={self.node}", "state=drain", "reason=test"], check=True)

    def resume(self) -> None:
        """Let the node work again; one that was down may have come back by itself, and then refuses."""
        subprocess.run(
            ["scontrol", "update", f"nodename={self.node}", "state=resume"], check=False, capture_output=True
        )
        self._wait(lambda: self.node_state() in UP)

    def jobs(self) -> list[dict[str, str]]:
        """Every job that the controller remembers, oldest first: its fields as `scontrol` names them."""
        lines = _ask("scontrol", "--oneliner", "--details", "show", "job").splitlines()
        found = [dict(word.split("=", 1) for word in line.split() if "=" in word) for line in lines if "JobId=" in line]
        return sorted(found, key=lambda job: int(job["JobId"]))

    def _wait(self, condition, seconds: float = 30) -> None:
        deadline = time.monotonic() + seconds
        while not condition():
            if time.monotonic() > deadline:
                logs = "\n".join(path.read_text()[-2000:] for path in self.state.glob("*.log"))
                raise TimeoutError(f"SLURM did not come up in {seconds} s:\n{logs}")
            time.sleep(0.2)


def _end(pid_file: Path) -> None:
    """End the daemon that wrote `pid_file`, and wait until it is gone."""
    try:
        pid = int(pid_file.read_text())
        os.kill(pid, signal.SIGTERM)
        for _ in range(100):
            os.kill(pid, 0)
            time.sleep(0.1)
        os.kill(pid, signal.SIGKILL)
    except (OSError, ValueError):
        pass  # it is gone, or never came


@contextlib.contextmanager
def running(min_job_age: int = 36_000) -> Iterator[Cluster]:
    """A cluster for as long as the block runs.

    Parameters
    ----------
    min_job_age
        For how many seconds the controller remembers a job that has ended.
    """
    if reason := why_not():
        raise RuntimeError(reason)
    _sweep()
    with tempfile.TemporaryDirectory(prefix=STATE) as folder:
        state = Path(folder)
        (state / "starter.pid").write_text(str(os.getpid()))
        for name in ("controller", "node"):
            (state / name).mkdir()
        state.chmod(0o755)
        host = socket.gethostname()
        memory = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE") // 2**20 - 500
        values = {"host": host, "state": state, "memory": memory, "gpus": len(GPUS), "min_job_age": min_job_age}
        SETTINGS.mkdir(exist_ok=True)
        (SETTINGS / "slurm.conf").write_text(OURS + CONFIGURATION.format(**values))
        (SETTINGS / "gres.conf").write_text(OURS + "".join(f"NodeName={host} Name=gpu File={gpu}\n" for gpu in GPUS))
        cluster = Cluster(state)
        own_munge = _start_munge()
        if own_munge:
            (state / "own-munge").touch()
        try:
            cluster.start_controller()
            cluster.start_node()
            yield cluster
        finally:
            cluster.thaw_controller()
            with contextlib.suppress(subprocess.TimeoutExpired):
                subprocess.run(["scancel", "--user", getpass.getuser()], check=False, timeout=30)
            cluster.end_node()
            cluster.end_controller()
            if own_munge:
                _end(MUNGE)
            for name in ("slurm.conf", "gres.conf"):
                (SETTINGS / name).unlink(missing_ok=True)


def _start_munge() -> bool:
    """Start the daemon that vouches for users, where it does not run yet."""
    if subprocess.run(["munge", "-n"], capture_output=True, check=False).returncode == 0:
        return False
    place = Path("/run/munge")
    place.mkdir(exist_ok=True)
    shutil.chown(place, "munge", "munge")
    subprocess.run([_program("runuser"), "-u", "munge", "--", _program("munged"), "--force"], check=True)
    return True


def main() -> int:
    parser = argparse.ArgumentParser(description="Run a command with a SLURM cluster on this machine.")
    parser.add_argument("--min-job-age", type=int, default=300)
    parser.add_argument("command", nargs=argparse.REMAINDER)
    arguments = parser.parse_args()
    command = arguments.command[1:] if arguments.command[:1] == ["--"] else arguments.command
    if reason := why_not():
        print(f"no SLURM here: {reason}", file=sys.stderr)
        return 1
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that the cluster is taken away
    with contextlib.ExitStack() as cluster:
        try:
            cluster.enter_context(running(arguments.min_job_age))
        except (OSError, subprocess.SubprocessError) as error:  # a TimeoutError is one of the first
            print(f"no SLURM here: it does not start: {error}", file=sys.stderr)
            return 1
        return subprocess.run(command, check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
