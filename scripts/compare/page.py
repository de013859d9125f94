# SPDX-License-Identifier: Apache-2.0
"""The outcome as a page for people, as JSON, and as pictures."""

import textwrap
from collections import defaultdict
from dataclasses import asdict, dataclass
from typing import Any

import figures
from figures import BUDGET_LOADS, Figures, Spread, Verdict
from load import ACTIVE_KEYS, LOADS, Load
from plot import Panel, bars
from subject import KEYS, Subject


@dataclass(frozen=True)
class Report:
    date: str
    machine: dict[str, str | int]
    tools: list[str]
    subjects: list[Subject]
    figures: Figures
    rounds: int
    seconds: int
    idle_connections: int

    def json(self) -> dict[str, Any]:
        ours = [subject.name for subject in self.subjects if is_ours(subject)]
        return {
            "date": self.date,
            "machine": self.machine,
            "tools": self.tools,
            "subjects": [
                {"name": subject.name, "version": subject.version(), "does": subject.does, "unsupported": subject.unsupported}
                for subject in self.subjects
            ],
            "rounds": [asdict(turn) for turn in self.figures.rounds],
            "memory": [asdict(memory) for memory in self.figures.memory],
            "budgets": [asdict(verdict) | {"met": verdict.met} for name in ours for verdict in self.figures.verdicts(name)],
        }

    def pictures(self) -> dict[str, str]:
        def spreads(each: Load) -> list[Spread | None]:
            return [self.figures.spread(subject.name, each.name, figures.microseconds) for subject in self.subjects]

        rows = [(subject.label, is_ours(subject)) for subject in self.subjects]
        processor = [Panel(each.label, spreads(each)) for each in LOADS if each.name in BUDGET_LOADS]
        idle = {memory.subject: memory.idle / 1024 for memory in self.figures.memory}
        measured = [subject for subject in self.subjects if subject.name in idle]
        return {
            "gateway-processor.svg": bars("Processor time of the gateway per request, µs (less is better)", rows, processor),
            "gateway-memory.svg": bars(
                "Memory, MiB (less is better)",
                [(subject.label, is_ours(subject)) for subject in measured],
                [Panel(f"{self.idle_connections:,} idle connections", [Spread.of([idle[subject.name]]) for subject in measured])],
            ),
        }

    def page(self) -> str:
        return "\n\n".join([*self._introduction(), *self._results(), *self._conditions()]) + "\n"

    def _introduction(self) -> list[str]:
        return [
            "# The gateway beside others",
            "<!-- Written by scripts/compare/run.py; `make bench-gateway` writes it anew. -->",
            paragraph(
                "`make bench-gateway` sets up Turnpike's gateway and others, runs them side by side in one run on one machine, "
                "and writes this page. Each checks an API key, holds it to a rate limit, counts its requests, and forwards "
                "them; beside these stand two that only forward, and show what that costs alone."
            ),
            "![Processor time of each gateway per request](images/gateway-processor.svg)",
            table(
                ["", "does with each request", "version"],
                [[subject.label, subject.does, subject.version()] for subject in self.subjects], texts=3,
            ),
        ]

    def _results(self) -> list[str]:
        plain = [each for each in LOADS if each.protocol == "h1"]
        parts = ["## Budgets", *self._budgets(), "## Processor time", self._processor(plain)]
        parts += ["## Throughput and latency", "Of HTTP/1.1, with answers of 94 bytes where nothing else is said."]
        for each in LOADS:
            parts += [f"### {sentence(each.label)}", self._latency(each)]
        parts += ["## Memory", "![Memory of each gateway](images/gateway-memory.svg)", self._memory()]
        faulty = self.figures.faulty()
        parts += ["## Rounds that went wrong", bullets(
            [f"round {turn.number}, {turn.subject}, load {turn.load}: {'; '.join(turn.outcome.faults)}" for turn in faulty]
        ) if faulty else f"None of {len(self.figures.rounds)}."]
        return parts

    def _budgets(self) -> list[str]:
        labels = {subject.name: subject.label for subject in self.subjects}
        columns = {each.name: each.label for each in LOADS if each.name in BUDGET_LOADS}
        columns[None] = f"{self.idle_connections:,} idle connections"
        parts = ["Ratios within a round: the median of all rounds, and the least to the greatest."]
        for subject in filter(is_ours, self.subjects):
            rows: dict[tuple[str, str], dict[str | None, str]] = defaultdict(dict)
            for verdict in self.figures.verdicts(subject.name):
                name = f"{verdict.budget}, to that of {labels[verdict.against]}"
                rows[name, f"≤ {verdict.most:g}"][verdict.load] = judged(verdict)
            parts.append(table(
                [subject.label, "budget", *columns.values()],
                [[*head, *(cells.get(column, "") for column in columns)] for head, cells in rows.items()],
            ))
        return parts

    def _processor(self, loads: list[Load]) -> str:
        return "Microseconds per request, the median (least to greatest).\n\n" + table(
            ["", *(each.label for each in loads)],
            [
                [subject.label, *(spread(self.figures.spread(subject.name, each.name, figures.microseconds)) for each in loads)]
                for subject in self.subjects
            ],
        ) + self._beside()

    def _beside(self) -> str:
        """What a control plane takes is not the gateway's, and yet is not for nothing."""
        return "".join(
            f"\n\nThe control plane of {subject.label}, on the other core, took "
            f"{spread(self.figures.spread(subject.name, '32', figures.beside))} µs per request at 32 connections."
            for subject in self.subjects if is_ours(subject)
        )

    def _latency(self, each: Load) -> str:
        measures = [figures.throughput, figures.busy, figures.p50, figures.p99, figures.p999]
        rows = []
        for subject in self.subjects:
            if each.protocol in subject.unsupported:
                rows.append([subject.label, "–", subject.unsupported[each.protocol], "", "", ""])
                continue
            found = [self.figures.spread(subject.name, each.name, measure) for measure in measures]
            rows.append([subject.label, *(f"{one.median:,.0f}" if one else "–" for one in found)])
        return table(["", "requests/s", "core used, %", "p50, µs", "p99, µs", "p99.9, µs"], rows)

    def _memory(self) -> str:
        rows = []
        measured = {memory.subject: memory for memory in self.figures.memory}
        for subject in self.subjects:
            memory = measured.get(subject.name)
            if not memory:
                rows.append([subject.label, "–", subject.unsupported["idle"], ""])
                continue
            each = (memory.idle - memory.base) / self.idle_connections
            rows.append([subject.label, mib(memory.base), mib(memory.idle), f"{each:.1f}"])
        return table(
            ["", "after some requests, MiB", f"with {self.idle_connections:,} idle connections, MiB", "a connection, KiB"], rows,
        )

    def _conditions(self) -> list[str]:
        machine = self.machine
        return ["## How this was measured", bullets([
            f"{self.date}, {machine['model']}, {machine['cores']} cores, {machine['memoryGiB']} GiB, "
            f"{machine['system']}, Linux {machine['kernel']}; {', '.join(self.tools)}.",
            "Two cores, shared with whatever else the host does: one has the gateway alone, the other both the load and the "
            "upstream (nginx). Where a gateway uses less than all of its core, the other core was the limit; its throughput "
            "could be higher, and it wakes up more often per request than one that is never idle.",
            f"Rounds of {self.seconds} s, {self.rounds} for each gateway and load, interleaved, each other one in the opposite "
            "order. A figure is the median of the rounds, and the least to the greatest. A round that had any answer but "
            "2xx, a socket error, or answers without a request at the upstream, is left out and listed above.",
            "Processor time is the kernel's own count, in nanoseconds, over all threads of all processes of the gateway.",
            f"Each has {KEYS:,} API keys; {ACTIVE_KEYS} of them take turns in the load (HTTP/2: one). Limits and quotas are so "
            "high that nobody meets them. Access logs are off, connections are kept on both sides, one thread serves.",
            "Before it is measured, each gateway must refuse a request without a key and with a wrong one, forward one with "
            "a good one, show that its limits and counters took them, and, with a low limit, refuse what is beyond it.",
            "wrk waits for an answer before it asks again on a connection: latencies are those of a system that is as busy as "
            "it can be, not those at a given rate.",
            "Memory is what `/proc/PID/smaps_rollup` says (PSS), of a gateway freshly started; Turnpike's control plane is not "
            "in it.",
        ])]


def is_ours(subject: Subject) -> bool:
    return subject.name.startswith("turnpike")


def judged(verdict: Verdict) -> str:
    return f"{spread(verdict.ratio, 2)}: {'met' if verdict.met else '**missed**'}"


def spread(found: Spread | None, digits: int = 1) -> str:
    if not found:
        return "–"
    if found.least == found.most:
        return f"{found.median:.{digits}f}"
    return f"{found.median:.{digits}f} ({found.least:.{digits}f}–{found.most:.{digits}f})"


def mib(kib: int) -> str:
    return f"{kib / 1024:.1f}"


def sentence(text: str) -> str:
    return text[0].upper() + text[1:]


def table(head: list[str], rows: list[list[str]], texts: int = 1) -> str:
    """The first columns have texts, the others figures."""
    rule = ["---"] * texts + ["--:"] * (len(head) - texts)
    padded = (row + [""] * (len(head) - len(row)) for row in rows)
    return "\n".join("| " + " | ".join(row) + " |" for row in [head, rule, *padded])


def paragraph(text: str, indent: str = "") -> str:
    return textwrap.fill(text, 125, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False)


def bullets(items: list[str]) -> str:
    return "\n".join(paragraph(f"- {item}", "  ") for item in items)
