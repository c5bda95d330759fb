"""Cores and memory by control groups of both versions, as the kernel shows them."""

import os
import resource
from pathlib import Path

import pytest

from deepconsensus_py.workers.resources import default_threads, usable_cores, usable_memory

CORES = len(os.sched_getaffinity(0))
MEMORY = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES")
GIB = 1 << 30


class Groups:
    """Control groups in a folder of their own."""

    def __init__(self, folder: Path) -> None:
        self.mounts, self.own = folder / "cgroup", folder / "own"

    def set(self, group: str, **values: str) -> None:
        folder = self.mounts / group
        folder.mkdir(parents=True, exist_ok=True)
        for name, value in values.items():
            (folder / name.replace("_", ".", 1)).write_text(f"{value}\n")

    def join(self, *lines: str) -> None:
        self.own.write_text("".join(f"{line}\n" for line in lines))

    @property
    def cores(self) -> int:
        return usable_cores(self.mounts, self.own)

    @property
    def memory(self) -> int:
        return usable_memory(self.mounts, self.own)


@pytest.fixture
def groups(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Groups:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: range(8))
    return Groups(tmp_path)


def test_without_control_groups_there_is_the_machine(groups: Groups) -> None:
    assert (groups.cores, groups.memory) == (8, MEMORY)


def test_version_2(groups: Groups) -> None:
    groups.join("0::/slice/job")
    groups.set("slice/job", cpu_max="250000 100000", memory_max=str(GIB))
    assert (groups.cores, groups.memory) == (3, GIB)


def test_a_group_above_limits_too(groups: Groups) -> None:
    groups.join("0::/slice/job")
    groups.set("slice", cpu_max="100000 100000", memory_max=str(GIB // 2))
    groups.set("slice/job", cpu_max="max 100000", memory_max=str(GIB))
    assert (groups.cores, groups.memory) == (1, GIB // 2)


def test_version_1(groups: Groups) -> None:
    groups.join("4:memory:/jobs/7", "2:cpu,cpuacct:/jobs/7", "1:name=systemd:/", "0::/")
    groups.set("cpu/jobs/7", cpu_cfs_quota_us="50000", cpu_cfs_period_us="100000")
    groups.set("memory/jobs/7", memory_limit_in_bytes=str(2 * GIB))
    groups.set("memory", memory_limit_in_bytes="9223372036854771712")
    assert (groups.cores, groups.memory) == (1, 2 * GIB)


def test_version_1_without_limits(groups: Groups) -> None:
    groups.join("4:memory:/", "2:cpu,cpuacct:/")
    groups.set("cpu", cpu_cfs_quota_us="-1", cpu_cfs_period_us="100000")
    groups.set("memory", memory_limit_in_bytes="9223372036854771712")
    assert (groups.cores, groups.memory) == (8, MEMORY)


def test_both_versions_side_by_side(groups: Groups) -> None:
    groups.join("4:memory:/", "0::/job")
    groups.set("unified/job", cpu_max="200000 100000")
    assert groups.cores == 2


def test_inside_a_container_the_host_s_path_is_not_there(groups: Groups) -> None:
    groups.join("4:memory:/docker/0123")
    groups.set("memory", memory_limit_in_bytes=str(GIB))
    assert groups.memory == GIB


def test_limits_of_the_process_hold(groups: Groups, monkeypatch: pytest.MonkeyPatch) -> None:
    limits = {resource.RLIMIT_AS: GIB, resource.RLIMIT_DATA: resource.RLIM_INFINITY}
    monkeypatch.setattr(resource, "getrlimit", lambda which: (limits[which], limits[which]))
    assert groups.memory == GIB


def test_threads_are_as_many_as_memory_holds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("deepconsensus_py.workers.resources.usable_cores", lambda: 64)
    for memory, threads in ((GIB // 4, 1), (2 * GIB, 5), (1024 * GIB, 64)):
        monkeypatch.setattr("deepconsensus_py.workers.resources.usable_memory", lambda memory=memory: memory)
        assert default_threads() == threads


def test_here_it_is_no_more_than_the_machine() -> None:
    assert 1 <= default_threads() <= usable_cores() <= CORES
    assert 0 < usable_memory() <= MEMORY
