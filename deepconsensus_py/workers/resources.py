"""Cores and memory that this process may use, given CPU affinity, control groups and resource limits.

Control groups are read as described in the kernel's Documentation/admin-guide (cgroup-v2.rst, cgroup-v1/memory.rst;
for CPUs of version 1 scheduler/sched-bwc.rst). A group's limit holds for all groups below it.
"""

import math
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

_MOUNTS, _OWN_GROUPS = Path("/sys/fs/cgroup"), Path("/proc/self/cgroup")

_MAIN_BYTES, _THREAD_BYTES = 700 << 20, 250 << 20
"""Resident bytes of a run with a network, and what each thread adds: a worker, and ZMWs in flight."""


def default_threads() -> int:
    """Default number of threads: one per core, fewer if memory is too small for that many workers."""
    return max(1, min(usable_cores(), (usable_memory() - _MAIN_BYTES) // _THREAD_BYTES))


def usable_cores(mounts: Path = _MOUNTS, own_groups: Path = _OWN_GROUPS) -> int:
    """CPU cores that this process may use, rounded up.

    Args:
        mounts: mount point of the control groups.
        own_groups: file with the groups of this process.
    """
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
    shares = [_share(group) for group in _groups("cpu", mounts, own_groups)]
    return max(1, math.ceil(min([cores, *shares])))


def usable_memory(mounts: Path = _MOUNTS, own_groups: Path = _OWN_GROUPS) -> int:
    """Bytes that this process and its workers may use together.

    Args:
        mounts: mount point of the control groups.
        own_groups: file with the groups of this process.
    """
    limits = [os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")]
    limits += [limit for limit, _ in map(resource.getrlimit, (resource.RLIMIT_AS, resource.RLIMIT_DATA)) if limit >= 0]
    for group in _groups("memory", mounts, own_groups):
        limits += [int(words[0]) for words in _read(group, "memory.max", "memory.limit_in_bytes") if words[0].isdigit()]
    return min(limits)


def peak_resident() -> int:
    """Peak resident memory of this process so far, bytes."""
    # getrusage counts kibibytes everywhere but on macOS.
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def _share(group: Path) -> float:
    """CPU quota of a group, in cores."""
    for quota, period in _read(group, "cpu.max"):
        return math.inf if quota == "max" else int(quota) / int(period)
    for (quota,) in _read(group, "cpu.cfs_quota_us"):
        for (period,) in _read(group, "cpu.cfs_period_us"):
            return math.inf if int(quota) <= 0 else int(quota) / int(period)
    return math.inf


def _read(group: Path, *names: str) -> Iterator[list[str]]:
    """The words of each of a group's files that exists."""
    for name in names:
        try:
            words = (group / name).read_text("ascii").split()
        except OSError:
            continue
        if words:
            yield words


def _groups(controller: str, mounts: Path, own_groups: Path) -> Iterator[Path]:
    """Folders of this process's groups and of their parents, of both versions."""
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
            # In a container the path may be that of the host, of which only the root exists here.
            yield from (hierarchy / group for group in (own, *own.parents))
