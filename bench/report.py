"""From samples to figures: medians, ratios to nginx, the bars, and how they are printed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median

from bench.cases import REFERENCE, Case, Key, Sample

Figures = dict[str, float]


@dataclass(frozen=True, slots=True)
class Verdict:
    """One bar: what was measured against what is allowed."""

    text: str
    value: float
    bar: float

    @property
    def met(self) -> bool:
        """Whether the bar is met."""
        return self.value <= self.bar


def summarise(cases: Sequence[Case], rounds: Sequence[Mapping[Key, Sample]]) -> dict[str, dict[str, Figures]]:
    """Medians over rounds: system, then case, then figure. ``ratio`` is to nginx's CPU time in the same round."""
    table: dict[str, dict[str, Figures]] = {}
    for case in cases:
        key = (case.system, case.name)
        samples = [one[key] for one in rounds]
        figures = {
            "rps": round(median(sample.rps for sample in samples)),
            "cpu_us": round(median(sample.cpu_us for sample in samples), 2),
            "p50_ms": round(median(sample.p50_ms for sample in samples), 3),
            "p99_ms": round(median(sample.p99_ms for sample in samples), 3),
        }
        reference = (REFERENCE, case.compare)
        ratio = growth(rounds, reference, key)
        if ratio is not None:
            figures["ratio"] = round(ratio, 3)
        memory = [sample.rss_mb for sample in samples if sample.rss_mb is not None]
        if memory:
            figures["rss_mb"] = round(max(memory), 1)
        table.setdefault(case.system, {})[case.name] = figures
    return table


def growth(rounds: Sequence[Mapping[Key, Sample]], base: Key, key: Key) -> float | None:
    """The median over rounds of ``key``'s CPU time over ``base``'s; ``None`` where either was not measured."""
    if not all(base in one and key in one for one in rounds):
        return None
    return median(one[key].cpu_us / one[base].cpu_us for one in rounds)


def verdicts(
    rounds: Sequence[Mapping[Key, Sample]], table: Mapping[str, Mapping[str, Figures]]
) -> list[Verdict]:
    """Every bar whose cases were measured."""
    ours = "wardgate"
    bars = [
        ("full: CPU to nginx", (REFERENCE, "full"), (ours, "full"), 2.0),
        ("tls: CPU to nginx", (REFERENCE, "tls"), (ours, "tls"), 2.2),
        ("1 to 10,000 resources: growth of CPU", (ours, "routes_1"), (ours, "routes_10000"), 1.2),
        ("1,000 to 1,000,000 keys: growth of CPU", (ours, "keys_1000"), (ours, "keys_1000000"), 1.3),
    ]
    found = [
        Verdict(text, value, bar)
        for text, base, key, bar in bars
        if (value := growth(rounds, base, key)) is not None
    ]
    memory = table.get(ours, {}).get("keys_1000000", {}).get("rss_mb")
    if memory is not None:
        found.append(Verdict("worker at 1,000,000 keys: MB", memory, 120.0))
    return found


def render(
    table: Mapping[str, Mapping[str, Figures]],
    found: Sequence[Verdict],
    rounds: Sequence[Mapping[Key, Sample]],
) -> str:
    """The report for people."""
    lines = [
        f"{'system':<14} {'case':<18} {'req/s':>8} {'CPU us':>8} {'ratio':>6} {'p50 ms':>8} {'p99 ms':>8}"
    ]
    for system, cases in table.items():
        for case, figures in cases.items():
            ratio = f"{figures['ratio']:.2f}" if "ratio" in figures else "-"
            lines.append(
                f"{system:<14} {case:<18} {figures['rps']:>8.0f} {figures['cpu_us']:>8.1f} {ratio:>6} "
                f"{figures['p50_ms']:>8.2f} {figures['p99_ms']:>8.2f}"
                + (f"  worker {figures['rss_mb']:.0f} MB" if "rss_mb" in figures else "")
            )
    ours = list(table.get("wardgate", {}))
    if ours:
        lines += ["", "Wardgate's CPU us per request by process:"]
        lines += [f"  {case:<18} {_shares(rounds, case)}" for case in ours]
    lines += [""] + [
        f"{'pass' if one.met else 'FAIL'}  {one.text} {one.value:.2f} (bar {one.bar:g})" for one in found
    ]
    return "\n".join(lines)


def _shares(rounds: Sequence[Mapping[Key, Sample]], case: str) -> str:
    samples = [one[("wardgate", case)] for one in rounds]
    names = sorted({name for sample in samples for name in sample.parts})
    return ", ".join(
        f"{name} {median(sample.parts.get(name, 0.0) for sample in samples):.1f}" for name in names
    )
