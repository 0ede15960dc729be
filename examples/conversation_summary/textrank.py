"""TextRank: which sentences do the others speak about?

R. Mihalcea, P. Tarau: TextRank: Bringing Order into Texts (EMNLP 2004), with the cosine of tf-idf vectors as likeness
(as in LexRank), solved by power iteration. A generator, so that the caller may stop between two steps.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Generator

DAMPING = 0.85
TOLERANCE = 1e-6  # of the whole change in one step; ranks add up to 1
MAX_STEPS = 100  # 0.85 ** 100 < 1e-7, so the tolerance is always reached before

Vector = dict[str, float]


def tf_idf(sentences: list[list[str]]) -> list[Vector]:
    """A unit vector for each sentence's words; words that few sentences hold weigh more."""
    documents = Counter(word for words in sentences for word in set(words))
    vectors: list[Vector] = []
    for words in sentences:
        weights = {
            word: (1 + math.log(count)) * (1 + math.log(len(sentences) / documents[word]))
            for word, count in Counter(words).items()}
        norm = math.sqrt(math.fsum(weight * weight for weight in weights.values())) or 1.0
        vectors.append({word: weight / norm for word, weight in weights.items()})
    return vectors


def cosine(one: Vector, other: Vector) -> float:
    """Likeness of two unit vectors, 0 to 1."""
    small, large = (one, other) if len(one) <= len(other) else (other, one)
    return math.fsum(weight * large[word] for word, weight in small.items() if word in large)


def likeness(vectors: list[Vector]) -> Generator[int, None, list[dict[int, float]]]:
    """For each vector the others it shares words with, and how alike they are. Yields the number of each one done."""
    holders: dict[str, list[int]] = {}
    links: list[dict[int, float]] = [{} for _ in vectors]
    for at, vector in enumerate(vectors):
        sums: dict[int, float] = {}
        for word, weight in vector.items():
            for other in holders.setdefault(word, []):
                sums[other] = sums.get(other, 0.0) + weight * vectors[other][word]
            holders[word].append(at)
        for other, sum_ in sums.items():
            links[at][other] = links[other][at] = sum_
        yield at
    return links


def rank(links: list[dict[int, float]], weights: list[float]) -> Generator[float, None, list[float]]:
    """The stationary ranks, which add up to 1. Yields how much each step changed.

    ``weights`` (above 0) say how likely a reader is to begin at a sentence; one that is like no other passes its rank
    on to all.
    """
    if not links:
        return []
    total = math.fsum(weights)
    start = [weight / total for weight in weights]
    sums = [math.fsum(row.values()) for row in links]
    ranks = start
    for _ in range(MAX_STEPS):
        lone = math.fsum(value for value, sum_ in zip(ranks, sums, strict=True) if not sum_)
        fresh = [(1 - DAMPING + DAMPING * lone) * share for share in start]
        for at, row in enumerate(links):
            if row:
                passed = DAMPING * ranks[at] / sums[at]
                for other, alike in row.items():
                    fresh[other] += passed * alike
        change = math.fsum(abs(a - b) for a, b in zip(fresh, ranks, strict=True))
        ranks = fresh
        yield change
        if change < TOLERANCE:
            break
    return ranks
