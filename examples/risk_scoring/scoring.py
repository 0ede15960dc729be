"""Logistic regression: features in, probability and its explanation out."""

from __future__ import annotations

import math
from typing import Any

from model import BANDS, FEATURES, INTERCEPT, LAST_BAND


def sigmoid(log_odds: float) -> float:
    """The probability of ``log_odds``; exact at both ends, where exp(-x) alone would overflow."""
    if log_odds >= 0:
        return 1 / (1 + math.exp(-log_odds))
    return math.exp(log_odds) / (1 + math.exp(log_odds))


def score(values: dict[str, float]) -> dict[str, Any]:
    """Probability, band, and what each known feature added, the weightiest first. ``values`` maps feature to value."""
    explanations = [explain(name, value) for name, value in values.items()]
    explanations.sort(key=lambda part: (-abs(part["contribution"]), part["feature"]))
    log_odds = INTERCEPT + sum(part["contribution"] for part in explanations)
    probability = sigmoid(log_odds)
    return {
        "score": round(probability, 4),
        "band": band(probability),
        "logOdds": log_odds,
        "baseline": round(sigmoid(INTERCEPT), 4),
        "explanations": explanations,
        "assumedAverage": sorted(FEATURES.keys() - values.keys()),
    }


def explain(name: str, value: float) -> dict[str, Any]:
    """What one feature adds to the log-odds: above 0 it raises the risk, below 0 it lowers it."""
    feature = FEATURES[name]
    return {
        "feature": name,
        "contribution": feature.coefficient * (value - feature.mean) / feature.deviation,
        "value": round(value, 4),
        "average": feature.mean,
        "meaning": feature.meaning,
    }


def band(probability: float) -> str:
    """The name of the band that ``probability`` lies in."""
    return next((name for bound, name in BANDS if probability < bound), LAST_BAND)
