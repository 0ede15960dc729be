"""Quantiles within 2 percent, merged or not."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core.telemetry.sketch import ACCURACY, Sketch

VALUES = st.lists(st.floats(0.01, 1e6), min_size=1, max_size=200)


@given(VALUES, st.sampled_from([0.0, 0.5, 0.95, 0.99, 1.0]))
def test_a_quantile_is_within_the_promised_share(values: list[float], share: float) -> None:
    sketch = Sketch()
    for value in values:
        sketch.add(value)
    true = sorted(values)[int(share * (len(values) - 1))]
    found = sketch.quantile(share)

    assert found is not None
    assert abs(found - true) <= true * ACCURACY * 1.001


@given(VALUES, VALUES)
def test_two_merged_are_one_of_both(left: list[float], right: list[float]) -> None:
    both, one, other = Sketch(), Sketch(), Sketch()
    for value in left:
        both.add(value)
        one.add(value)
    for value in right:
        both.add(value)
        other.add(value)
    one.merge(Sketch(other.as_json()))

    assert one.as_json() == both.as_json()
    assert one.count == len(left) + len(right)


def test_an_empty_one_has_no_quantile() -> None:
    assert Sketch().quantile(0.5) is None
    assert Sketch().count == 0
