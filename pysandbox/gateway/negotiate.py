"""Which representation of a resource a request gets: content coding and conditional requests, RFC 9110 §8.8, §12.5.3.

Pure: header values in, a decision out.
"""

from __future__ import annotations

from collections.abc import Sequence

from pysandbox.gateway.dist import Variant

# At equal weight the smaller one: what the files in question compress to.
_PREFERENCE = ("br", "gzip", "")


def choose(variants: Sequence[Variant], accept_encoding: str | None) -> Variant:
    """The best variant for ``Accept-Encoding``; identity if none fits or nothing was said."""
    weights = _weights(accept_encoding or "")
    default = weights.get("*", 0.0)
    best, best_key = variants[0], (0.0, 0)
    for variant in variants:
        # Identity stays acceptable unless refused by name, at the least weight there is.
        weight = weights.get(variant.encoding or "identity", default if variant.encoding else max(default, 0.0001))
        key = (weight, -_PREFERENCE.index(variant.encoding))
        if weight > 0 and key > best_key:
            best, best_key = variant, key
    return best


def not_modified(etag: str, if_none_match: str | None) -> bool:
    """Whether ``If-None-Match`` names this representation (weak comparison, as the RFC has it for GET and HEAD)."""
    if if_none_match is None:
        return False
    if if_none_match.strip() == "*":
        return True
    return any(part.strip().removeprefix("W/") == etag for part in if_none_match.split(","))


def _weights(header: str) -> dict[str, float]:
    weights: dict[str, float] = {}
    for part in header.lower().split(","):
        coding, *parameters = (piece.strip() for piece in part.split(";"))
        if coding:
            weights["gzip" if coding == "x-gzip" else coding] = _weight(parameters)
    return weights


def _weight(parameters: Sequence[str]) -> float:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            try:
                return min(max(float(value), 0.0), 1.0)
            except ValueError:
                return 0.0  # a malformed weight says nothing in favour
    return 1.0
