"""Cores and memory that this process may really use: what affinity, control groups and limits leave of the machine's.

Control groups are read as the kernel's Documentation/admin-guide describes them (cgroup-v2.rst, cgroup-v1/memory.rst;
for processors of version 1 scheduler/sched-bwc.rst). A group's limit holds for all groups below it.
"""

import math
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

_MOUNTS, _OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

_MAIN_BYTES, _THREAD_BYTES = 700 << 20, 250 << 20
"""Resident bytes of a run with a network, and what each thread adds: a worker, and molecules on their way."""


def default_threads() -> int:
    """Threads of a run that nobody has chosen: a core each, fewer where memory is too small for a worker on each."""
    return max(1, min(usable_cores(), (usable_memory() - _MAIN_BYTES) // _THREAD_BYTES))


def usable_cores(mounts: Path = _MOUNTS, own_groups: Path = _OWN_GROUPS) -> int:
    """Processor cores that this process may use; a part of one counts as one.

    Args:
        mounts: folder that control groups are mounted in.
        own_groups: file that names the groups of this process.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = [_share(group) for group in _groups("cpu", mounts, own_groups)]
    return max(1, math.ceil(min([cores, *shares])))


def usable_memory(mounts: Path = _MOUNTS, own_groups: Path = _OWN_GROUPS) -> int:
    """Bytes that this process and its workers may use together.

    Args:
        mounts: folder that control groups are mounted in.
        own_groups: file that names the groups of this process.
    """
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    limits += [limit for limit, _ in map(resource.getrlimit, (resource.RLIMIT_AS, resource.RLIMIT_DATA)) if limit >= 0]
    for group in _groups("memory", mounts, own_groups):
        limits += [int(words[0]) for words in _read(group, "memory.max", "memory.limit_in_bytes") if words[0].isdigit()]
    return min(limits)


def peak_resident() -> int:
    """The most bytes that this process has had in memory so far."""
    # getrusage counts kibibytes everywhere but on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _share(group: Path) -> float:
    """Cores that a group may keep busy."""
    for quota, period in _read(group, "cpu.max"):
        return math.inf if quota == "max" else int(quota) / int(period)
    for (quota,) in _read(group, "cpu.cfs_quota_us"):
        for (period,) in _read(group, "cpu.cfs_period_us"):
            return math.inf if int(quota) <= 0 else int(quota) / int(period)
    return math.inf


def _read(group: Path, *names: str) -> Iterator[list[str]]:
    """The words of those of a group's files that there are."""
    for name in names:
        try:
            words = (group / name).read_text("ascii").split()
        except OSError:
            continue
        if words:
            yield words


def _groups(controller: str, mounts: Path, own_groups: Path) -> Iterator[Path]:
    """Folders of the groups that this process is in, of both versions, and of those above them."""
    try:
        lines = own_groups.read_text("utf-8").splitlines()
    except OSError:
        return
    for line in lines:
        _, controllers, path = line.split(":", 2)
        own = Path(path.lstrip("/"))
        if not controllers:
            hierarchies = [mounts, mounts / "unified"]
        elif controller in controllers.split(","):
            hierarchies = [mounts / controller]
        else:
            continue
        for hierarchy in hierarchies:
            # Inside a container the path may be that of the host, which is not there: only the root is.
            yield from (hierarchy / group for group in (own, *own.parents))
