# SPDX-License-Identifier: Apache-2.0
"""What a process holds, watched while something happens to it."""

import os
import pathlib
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

PAGE_MIB = os.sysconf("SC_PAGE_SIZE") / (1 << 20)


@dataclass
class Held:
    memory_mib: float
    descriptors: int


def held(pid: int) -> Held:
    """Resident memory and open files, now."""
    pages = int(pathlib.Path(f"/proc/{pid}/statm").read_text().split()[1])
    return Held(pages * PAGE_MIB, len(os.listdir(f"/proc/{pid}/fd")))


@contextmanager
def watched(pid: int, interval: float = 0.05) -> Iterator[Held]:
    """The most of either while the block runs."""
    most = held(pid)
    stopped = threading.Event()

    def watch() -> None:
        while not stopped.wait(interval):
            look()

    def look() -> None:
        now = held(pid)
        most.memory_mib = max(most.memory_mib, now.memory_mib)
        most.descriptors = max(most.descriptors, now.descriptors)

    thread = threading.Thread(target=watch, daemon=True)
    thread.start()
    try:
        yield most
    finally:
        stopped.set()
        thread.join()
        look()
