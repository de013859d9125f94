# SPDX-License-Identifier: Apache-2.0
"""What the kernel knows of processes and of the machine: processor time, memory, cores."""

import os
import pathlib
import platform
import re
import resource
import time
from collections.abc import Iterator
from contextlib import contextmanager

CPUCLOCK_SCHED = 2


def family(pid: int) -> list[int]:
    """A process and all that descend from it."""
    pids = [pid]
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            pids += family(int(child))
    return pids


def processor_nanoseconds(pids: list[int]) -> int:
    """Time on a processor since the processes' start, of all of their threads.

    It is the sum of the first figures in `/proc/PID/task/*/schedstat`, by the clock of the process (clock_getcpuclockid(3)),
    which also has that of threads that have ended.
    """
    return sum(time.clock_gettime_ns((~pid << 3) | CPUCLOCK_SCHED) for pid in pids)


def thread_nanoseconds(pid: int) -> dict[int, int]:
    """The same of each thread that lives, by its id."""
    tasks = pathlib.Path(f"/proc/{pid}/task").iterdir()
    return {int(task.name): int((task / "schedstat").read_text().split()[0]) for task in tasks}


def memory_kib(pids: list[int]) -> int:
    """Resident memory, what processes share counted once (PSS)."""
    rollups = (pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in pids)
    return sum(int(re.search(r"^Pss:\s+(\d+) kB", text, re.M).group(1)) for text in rollups)


def two_cores() -> tuple[int, int]:
    """The first two that this process may use: for load and upstream, and for what is measured."""
    cores = sorted(os.sched_getaffinity(0))
    if len(cores) < 2:
        raise OSError("A comparison needs two cores: one for the load, one for what is measured.")
    return cores[0], cores[1]


@contextmanager
def pinned(core: int) -> Iterator[None]:
    """What this thread starts runs on the core, for good."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {core})
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def allow_files(count: int) -> None:
    """Lets this process and its children have so many files open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft >= count:
        return
    try:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, max(hard, count)))
    except ValueError as refused:
        raise OSError(f"A process must be allowed {count} open files; the limit is {hard}. See 'ulimit -n'.") from refused


def machine() -> dict[str, str | int]:
    processors = pathlib.Path("/proc/cpuinfo").read_text()
    model = re.search(r"^model name\s*:\s*(.+)$", processors, re.M)
    memory = int(re.search(r"MemTotal:\s+(\d+)", pathlib.Path("/proc/meminfo").read_text()).group(1))
    return {
        "model": model.group(1) if model else platform.machine(),
        "cores": os.cpu_count() or 1,
        "memoryGiB": round(memory / (1 << 20)),
        "kernel": platform.release(),
        "system": platform.freedesktop_os_release()["PRETTY_NAME"],
    }
