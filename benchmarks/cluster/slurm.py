"""A SLURM on the loopback interface, from Debian's packages: accounting, memory limits, and nodes that can be killed.

Everything is in one folder and ends with the process. Only links to its configuration are in /etc/slurm, while
it runs: Snakemake's plugin hides SLURM_CONF from jobs.
"""

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from textwrap import dedent

import psutil

PACKAGES = ("slurmctld", "slurmd", "slurm-client", "slurmdbd", "munge", "mariadb-server")
PROGRAMS = ("slurmctld", "slurmd", "sbatch", "slurmdbd", "munged", "mariadbd")
FIRST_PORT = 26817
PATIENCE = 60
"""Seconds that a part may take to start."""

CLUSTER = "loopback"
SYSTEM = Path("/etc/slurm")


class CannotRunError(Exception):
    """SLURM cannot be run here; says why."""


def require_programs() -> None:
    """Install Debian's packages, if they are not there.

    Raises:
        CannotRunError: they are not, and cannot be installed.
    """
    if os.geteuid() != 0:
        raise CannotRunError("SLURM's nodes run as root; this is not root")
    os.environ["PATH"] += ":/usr/sbin"
    if all(map(shutil.which, PROGRAMS)):
        return
    if not shutil.which("apt-get"):
        raise CannotRunError("SLURM is not installed, and there is no apt-get")
    install = ["apt-get", "install", "-qq", "--no-install-recommends", *PACKAGES]
    environment = os.environ | {"DEBIAN_FRONTEND": "noninteractive"}
    for command in (["apt-get", "update", "-qq"], install):
        done = subprocess.run(command, env=environment, capture_output=True, text=True, timeout=600, check=False)
        if done.returncode:
            raise CannotRunError(f"{' '.join(command)}: {done.stderr.strip().splitlines()[-1]}")


def until(what: str, ready: Callable[[], bool], seconds: float = PATIENCE) -> None:
    """Wait for something.

    Raises:
        CannotRunError: it did not happen in time.
    """
    end = time.monotonic() + seconds
    while not ready():
        if time.monotonic() > end:
            raise CannotRunError(f"{what} after {seconds:.0f} s")
        time.sleep(0.2)


def succeeds(*command: str) -> bool:
    """Whether a command ends with status 0."""
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@dataclass(frozen=True)
class Slurm:
    """A running SLURM; made by ``running``.

    Attributes:
        folder: its configuration, logs and state.
        daemons: the process of each node.
    """

    folder: Path
    daemons: dict[str, subprocess.Popen[bytes]]

    def kill_node(self, node: str) -> None:
        """Kill a node with all that runs on it, as a failure of its power supply would."""
        jobs = jobs_of(node)
        self.daemons[node].kill()
        self.daemons[node].wait()
        for process in psutil.process_iter():
            with suppress(psutil.Error):
                # Its command line is: slurmstepd: [job.step]
                if process.name() == "slurmstepd" and any(f"[{job}." in " ".join(process.cmdline()) for job in jobs):
                    for one in (process, *process.children(recursive=True)):
                        with suppress(psutil.Error):
                            one.kill()

    def start_node(self, node: str) -> None:
        """Start a node that was killed, and take it into service again."""
        self.daemons[node] = _daemon(self.folder, f"slurmd.{node}", "slurmd", "-D", "-N", node)
        until(
            f"node {node} is not up", lambda: self._state(node) in {"idle", "mixed", "allocated"} or self._resume(node)
        )

    def _state(self, node: str) -> str:
        shown = subprocess.run(["sinfo", "-h", "-n", node, "-o", "%T"], capture_output=True, text=True, check=False)
        return shown.stdout.strip()

    def _resume(self, node: str) -> bool:
        succeeds("scontrol", "update", f"nodename={node}", "state=resume")
        return False


def _daemon(folder: Path, name: str, *command: str) -> subprocess.Popen[bytes]:
    with (folder / f"{name}.out").open("ab") as log:
        return subprocess.Popen(command, stdout=log, stderr=log)


def jobs_of(node: str) -> list[str]:
    """The jobs that run on a node."""
    words = ["squeue", "-h", "-t", "running", "-w", node, "-o", "%A"]
    return subprocess.run(words, check=True, capture_output=True, text=True).stdout.split()


@contextmanager
def running(folder: Path, nodes: Sequence[str], *, cpus: int, memory_mb: int) -> Iterator[Slurm]:
    """A SLURM with some nodes on 127.0.0.1; commands of this process and its children use it.

    Args:
        folder: where it keeps everything; made, and must not exist.
        nodes: their names.
        cpus: of each node.
        memory_mb: of each node.

    Raises:
        CannotRunError: it cannot be installed, or does not start.
    """
    require_programs()
    for name in ("state", "database", *(f"spool.{node}" for node in nodes)):
        (folder / name).mkdir(parents=True)
    _configure(folder, nodes, cpus, memory_mb)
    with ExitStack() as stack:
        for path in folder.glob("*.conf"):
            link = SYSTEM / path.name
            if os.path.lexists(link):
                raise CannotRunError(f"{link} exists: a SLURM is configured here already")
            link.symlink_to(path)
            stack.callback(link.unlink)

        def start(name: str, *command: str) -> subprocess.Popen[bytes]:
            process = _daemon(folder, name, *command)
            stack.callback(_end, process)
            return process

        _start_authentication(folder, start)
        _start_accounting(folder, start)
        start("slurmctld", "slurmctld", "-D")
        until("slurmctld does not answer", lambda: succeeds("scontrol", "ping"))
        daemons = {node: _daemon(folder, f"slurmd.{node}", "slurmd", "-D", "-N", node) for node in nodes}
        slurm = Slurm(folder, daemons)
        stack.callback(lambda: [_end(daemon) for daemon in daemons.values()])
        stack.callback(lambda: succeeds("scancel", "--user=root"))
        until("nodes are not up", lambda: all(slurm._state(node) == "idle" for node in nodes))
        yield slurm


def _end(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(15)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def _start_authentication(folder: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    key, socket = folder / "munge.key", folder / "munge.socket"
    key.write_bytes(os.urandom(128))
    key.chmod(0o600)
    files = {"key-file": key, "socket": socket, "pid-file": folder / "munge.pid", "seed-file": folder / "munge.seed"}
    files["log-file"] = folder / "munge.log"
    start("munged", "munged", "--foreground", "--force", *(f"--{name}={path}" for name, path in files.items()))
    until("munged does not answer", lambda: succeeds("munge", "-n", "-S", str(socket)))


def _start_accounting(folder: Path, start: Callable[..., subprocess.Popen[bytes]]) -> None:
    data, socket = folder / "database", folder / "database.socket"
    made = subprocess.run(
        [
            "mariadb-install-db",
            "--no-defaults",
            f"--datadir={data}",
            "--user=root",
            "--auth-root-authentication-method=normal",
        ],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )
    if made.returncode:
        raise CannotRunError(f"mariadb-install-db: {made.stderr.strip()}")
    options = [
        f"--datadir={data}",
        f"--socket={socket}",
        f"--port={FIRST_PORT + 2}",
        "--bind-address=127.0.0.1",
        "--skip-name-resolve",
    ]
    start("mariadbd", "mariadbd", "--no-defaults", *options, "--user=root", f"--pid-file={folder}/mariadb.pid")
    client = ["mariadb", "--no-defaults", f"--socket={socket}", "-e"]
    until("mariadbd does not answer", lambda: succeeds(*client, "select 1"))
    user = "slurm@'127.0.0.1'"
    make = f"create database accounting; create user {user} identified by 'loopback'; grant all on *.* to {user}"
    subprocess.run([*client, make], check=True, capture_output=True)
    start("slurmdbd", "slurmdbd", "-D")
    until("slurmdbd does not answer", lambda: succeeds("sacctmgr", "-n", "show", "cluster"))
    subprocess.run(["sacctmgr", "-i", "add", "cluster", CLUSTER], check=True, capture_output=True)


def _configure(folder: Path, nodes: Sequence[str], cpus: int, memory_mb: int) -> None:
    names = "\n".join(
        f"NodeName={node} NodeHostname=localhost NodeAddr=127.0.0.1 Port={FIRST_PORT + 10 + number} CPUs={cpus} "
        f"RealMemory={memory_mb} State=UNKNOWN"
        for number, node in enumerate(nodes)
    )
    authentication = f"AuthType=auth/munge\nAuthInfo=socket={folder}/munge.socket\n"
    (folder / "slurm.conf").write_text(
        dedent(f"""\
        ClusterName={CLUSTER}
        SlurmctldHost=localhost(127.0.0.1)
        SlurmctldPort={FIRST_PORT}
        SlurmUser=root
        SlurmdUser=root
        StateSaveLocation={folder}/state
        SlurmdSpoolDir={folder}/spool.%n
        SlurmctldPidFile={folder}/slurmctld.pid
        SlurmdPidFile={folder}/slurmd.%n.pid
        SlurmctldLogFile={folder}/slurmctld.log
        SlurmdLogFile={folder}/slurmd.%n.log
        CommunicationParameters=NoInAddrAny,NoCtldInAddrAny
        ProctrackType=proctrack/cgroup
        TaskPlugin=task/cgroup
        JobAcctGatherType=jobacct_gather/linux
        JobAcctGatherFrequency=5
        AccountingStorageType=accounting_storage/slurmdbd
        AccountingStorageHost=127.0.0.1
        AccountingStoragePort={FIRST_PORT + 1}
        AccountingStoragePass={folder}/munge.socket
        SelectType=select/cons_tres
        SelectTypeParameters=CR_CPU_Memory
        SlurmdParameters=config_overrides
        SchedulerParameters=batch_sched_delay=1,sched_interval=2,bf_interval=2
        SlurmdTimeout=15
        KillWait=5
        MinJobAge=600
        ReturnToService=2
        MailProg=/bin/true
        PartitionName=all Nodes=ALL Default=YES MaxTime=INFINITE State=UP
        """)
        + authentication
        + names
        + "\n"
    )
    (folder / "slurmdbd.conf").write_text(
        dedent(f"""\
        DbdHost=localhost
        DbdAddr=127.0.0.1
        DbdPort={FIRST_PORT + 1}
        SlurmUser=root
        LogFile={folder}/slurmdbd.log
        PidFile={folder}/slurmdbd.pid
        StorageType=accounting_storage/mysql
        StorageHost=127.0.0.1
        StoragePort={FIRST_PORT + 2}
        StorageUser=slurm
        StoragePass=loopback
        StorageLoc=accounting
        """)
        + authentication
    )
    (folder / "slurmdbd.conf").chmod(0o600)
    version = "v1" if Path("/sys/fs/cgroup/memory").is_dir() else "v2"
    (folder / "cgroup.conf").write_text(f"CgroupPlugin=cgroup/{version}\nConstrainRAMSpace=yes\nConstrainCores=no\n")
