"""Histograms of what a model finds, and how far two of them are apart."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from fkd.io.text import printable

# Added to each bin's count, so that an empty bin has no infinite logarithm: the estimate of
# fractions by Krichevsky and Trofimov (1981).
HALF = 0.5
# Standard deviations within which 95 % of a normal distribution lie on one side.
ONE_SIDED_95 = 1.645
MOST_BINS = 100


@dataclass(frozen=True)
class Histogram:
    """Counts of values. Bin i holds those above edges[i - 1] and not above edges[i]; the first and
    the last have no other end, so there is one bin more than edges."""

    edges: tuple[float, ...]
    counts: tuple[int, ...]

    @property
    def total(self) -> int:
        """How many values were counted."""
        return sum(self.counts)

    def quantile(self, q: float) -> float:
        """The value below which a fraction q of a histogram that is not empty lies, as if values
        were spread evenly in each bin; the outermost edge for a quantile in an open bin."""
        below = np.cumsum(self.counts[:-1]) / self.total
        return float(np.interp(q, below, self.edges))


def histogram_of(values: Iterable[float], edges: Sequence[float]) -> Histogram:
    """Values in bins between ascending edges."""
    bins = np.searchsorted(edges, np.fromiter(values, np.float64), side="left")
    counts = np.bincount(bins, minlength=len(edges) + 1)
    return Histogram(tuple(edges), tuple(counts.tolist()))


def stability_index(found: Histogram, reference: Histogram) -> float:
    """The population stability index of two histograms with the same edges: the sum over the bins
    of (p - q) ln(p / q), where p and q are the fractions of both; 0 where they are equal.

    Source: Siddiqi, Credit Risk Scorecards (2006), where below 0.1 is no change and from 0.25 on a
    large one; it is the divergence of Jeffreys (1946).
    """
    p, q = (
        (np.array(one.counts) + HALF) / (one.total + HALF * len(one.counts))
        for one in (found, reference)
    )
    return float(((p - q) * np.log(p / q)).sum())


def chance_index(found: Histogram, reference: Histogram) -> float:
    """The index that values from one and the same distribution exceed in 5 % of all cases, which
    is large where they are few: infinite for an empty histogram.

    (1 / n + 1 / m) times the 95 % quantile of a chi-squared distribution of one degree of freedom
    less than there are bins. Sources: Yurdakul and Naranjo, Statistical properties of the
    population stability index (2020); the quantile by Wilson and Hilferty (1931).
    """
    if not (found.total and reference.total):
        return math.inf
    freedom = len(reference.edges)
    spread = 2 / (9 * freedom)
    quantile = freedom * (1 - spread + ONE_SIDED_95 * math.sqrt(spread)) ** 3
    return float(quantile * (1 / found.total + 1 / reference.total))


def stored_histograms(histograms: Mapping[str, Histogram]) -> dict[str, dict[str, list[float]]]:
    """As plain values, for JSON."""
    return {
        name: {"edges": list(one.edges), "counts": list(one.counts)}
        for name, one in histograms.items()
    }


def histograms_from(stored: Mapping[str, Any]) -> dict[str, Histogram]:
    """What `stored_histograms` made of some. Raises AttributeError, KeyError, TypeError or
    ValueError for anything else."""
    return {printable(name): _histogram(one) for name, one in stored.items()}


def _histogram(stored: Mapping[str, Any]) -> Histogram:
    edges, counts = stored["edges"], stored["counts"]
    if not 0 < len(edges) < MOST_BINS or len(counts) != len(edges) + 1:
        raise ValueError(f"a histogram has 2 to {MOST_BINS} bins, one more than edges")
    finite = all(type(edge) in (int, float) and math.isfinite(edge) for edge in edges)
    if not finite or not all(low < high for low, high in pairwise(edges)):
        raise ValueError("the edges of a histogram are not ascending numbers")
    if not all(type(count) is int and 0 <= count < 2**53 for count in counts):
        raise ValueError("the counts of a histogram are not whole numbers from 0")
    return Histogram(tuple(map(float, edges)), tuple(counts))
