"""What QA may ask to go wrong: read exactly, refused with every problem at once, written so that it reads the same."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pysandbox.core.chaos import MAX_LATENCY_MS, MAX_SEED, Chaos, parse_chaos
from pysandbox.core.errors import Code, SandboxError


@pytest.mark.parametrize(
    ("text", "chaos"),
    [("latency=50", Chaos((50, 50))), ("latency=20-80", Chaos((20, 80))), ("drop=0.1", Chaos(drop=0.1)),
     ("hang=1", Chaos(hang=1.0)), ("drop=.25", Chaos(drop=0.25)), ("seed=0", Chaos(seed=0)),
     (" latency = 5 , drop=0,hang=0.05,seed=7 ", Chaos((5, 5), 0.0, 0.05, 7)),
     (f"latency=0-{MAX_LATENCY_MS},seed={MAX_SEED}", Chaos((0, MAX_LATENCY_MS), seed=MAX_SEED))])
def test_faults_are_read_as_written(text: str, chaos: Chaos) -> None:
    assert parse_chaos(text) == chaos


@pytest.mark.parametrize(
    ("text", "paths"),
    [("", ["--chaos"]), ("latency", ["--chaos latency"]), ("latency=", ["--chaos latency"]),
     ("latency=-1", ["--chaos latency"]), ("latency=80-20", ["--chaos latency"]), ("latency=1.5", ["--chaos latency"]),
     (f"latency={MAX_LATENCY_MS + 1}", ["--chaos latency"]), ("latency=1e3", ["--chaos latency"]),
     ("drop=1.1", ["--chaos drop"]), ("drop=-0.1", ["--chaos drop"]), ("drop=nan", ["--chaos drop"]),
     ("drop=inf", ["--chaos drop"]), ("drop=1e-3", ["--chaos drop"]), ("hang=yes", ["--chaos hang"]),
     ("seed=-1", ["--chaos seed"]), (f"seed={MAX_SEED + 1}", ["--chaos seed"]), ("seed=²", ["--chaos seed"]),
     ("drop=0.1,drop=0.1", ["--chaos drop"]), ("crash=1", ["--chaos"]), ("drop=0.1;hang=1", ["--chaos drop"]),
     ("drop=0.1,", ["--chaos"]), ("latency=x,drop=x,hang=x,seed=x,x",
      ["--chaos latency", "--chaos drop", "--chaos hang", "--chaos seed", "--chaos"])])
def test_everything_wrong_is_named_at_once_with_its_cure(text: str, paths: list[str]) -> None:
    with pytest.raises(SandboxError) as caught:
        parse_chaos(text)
    assert caught.value.code == Code.INPUT_INVALID
    assert [problem.path for problem in caught.value.details] == paths
    assert all(problem.cure for problem in caught.value.details)


def test_an_endless_text_is_one_problem() -> None:
    with pytest.raises(SandboxError) as caught:
        parse_chaos("x," * 100_000)
    assert len(caught.value.details) == 1
    assert len(caught.value.details[0].rule) < 100


_PROBABILITIES = st.integers(0, 10**9).map(lambda billionths: billionths / 10**9)


@given(
    st.tuples(st.integers(0, MAX_LATENCY_MS), st.integers(0, MAX_LATENCY_MS)).map(lambda pair: tuple(sorted(pair))),
    _PROBABILITIES, _PROBABILITIES, st.integers(0, MAX_SEED))
def test_what_is_written_reads_the_same(latency_ms: tuple[int, int], drop: float, hang: float, seed: int) -> None:
    chaos = Chaos(latency_ms, drop, hang, seed)
    assert parse_chaos(str(chaos)) == chaos


def test_a_seed_that_was_given_stays() -> None:
    assert Chaos(seed=7).seeded(8).seed == 7
    assert Chaos().seeded(8).seed == 8


@given(st.text(max_size=300))
def test_any_text_is_faults_or_a_coded_error(text: str) -> None:
    try:
        chaos = parse_chaos(text)
    except SandboxError as error:
        refused = error
    else:
        assert parse_chaos(str(chaos.seeded(1))) == chaos.seeded(1)
        return
    assert refused.code == Code.INPUT_INVALID
    assert refused.details
