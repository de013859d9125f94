# SPDX-License-Identifier: Apache-2.0
"""From rounds to figures: spreads, ratios within a round, and whether they keep to the budgets."""

import statistics
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from comparison import Memory, Round


@dataclass(frozen=True)
class Spread:
    median: float
    least: float
    most: float

    @staticmethod
    def of(values: list[float]) -> "Spread | None":
        return Spread(statistics.median(values), min(values), max(values)) if values else None


Measure = Callable[[Round], float]


def microseconds(turn: Round) -> float:
    """Processor time per request."""
    return turn.processor / turn.outcome.requests / 1000


def beside(turn: Round) -> float:
    return turn.beside / turn.outcome.requests / 1000


def busy(turn: Round) -> float:
    """How much of its core the subject used, in percent."""
    return turn.processor / turn.outcome.seconds / 1e7


def throughput(turn: Round) -> float:
    return turn.outcome.requests / turn.outcome.seconds


def p50(turn: Round) -> float:
    return turn.outcome.p50


def p99(turn: Round) -> float:
    return turn.outcome.p99


def p999(turn: Round) -> float:
    return turn.outcome.p999


@dataclass(frozen=True)
class Budget:
    """What a ratio must not exceed, under each of these loads."""

    what: str
    measure: Measure
    against: str
    most: float
    loads: tuple[str, ...] = ("1", "32", "256")


BUDGETS = [
    Budget("processor time per request", microseconds, "nginx-lua", 0.80),
    Budget("processor time per request", microseconds, "envoy", 0.35),
    Budget("processor time per request", microseconds, "floor", 1.20),
    Budget("99th percentile of latency", p99, "nginx-lua", 1.00),
    Budget("processor time per request", microseconds, "nginx", 1.10, ("32-tls",)),
]
# In the order of the loads.
BUDGET_LOADS = ["1", "32", "256", "32-tls"]
IDLE_MEMORY_BUDGET = 2.0
IDLE_MEMORY_AGAINST = "nginx"


@dataclass(frozen=True)
class Verdict:
    """`load` is nothing where memory was compared; there is one measurement of that, and so no spread."""

    subject: str
    budget: str
    against: str
    load: str | None
    ratio: Spread
    most: float

    @property
    def met(self) -> bool:
        return self.ratio.median <= self.most


@dataclass(frozen=True)
class Figures:
    rounds: list[Round]
    memory: list[Memory]

    def spread(self, subject: str, load: str, measure: Measure) -> Spread | None:
        return Spread.of(list(self._by_round(subject, load, measure).values()))

    def ratio(self, subject: str, against: str, load: str, measure: Measure) -> Spread | None:
        """Of two subjects within each round, since what disturbs a round disturbs both."""
        mine, theirs = self._by_round(subject, load, measure), self._by_round(against, load, measure)
        return Spread.of([mine[number] / theirs[number] for number in mine.keys() & theirs.keys()])

    def verdicts(self, subject: str) -> Iterator[Verdict]:
        for budget in BUDGETS:
            for load in budget.loads:
                ratio = self.ratio(subject, budget.against, load, budget.measure)
                if ratio:
                    yield Verdict(subject, budget.what, budget.against, load, ratio, budget.most)
        idle = {memory.subject: memory.idle for memory in self.memory}
        if {subject, IDLE_MEMORY_AGAINST} <= idle.keys():
            times = idle[subject] / idle[IDLE_MEMORY_AGAINST]
            yield Verdict(
                subject, "memory", IDLE_MEMORY_AGAINST, None, Spread(times, times, times),
                IDLE_MEMORY_BUDGET,
            )

    def faulty(self) -> list[Round]:
        return [turn for turn in self.rounds if turn.outcome.faults]

    def _by_round(self, subject: str, load: str, measure: Measure) -> dict[int, float]:
        """A faulty round says nothing."""
        return {
            turn.number: measure(turn) for turn in self.rounds
            if turn.subject == subject and turn.load == load and not turn.outcome.faults
        }
