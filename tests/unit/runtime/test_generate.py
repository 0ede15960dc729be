"""What TypeScript knows of the core is what the core says."""

from pysandbox.core.errors import INFO
from pysandbox.runtime.generate import generated, protocol_ts


def test_the_generated_file_is_not_stale() -> None:
    for target, text in generated().items():
        assert target.read_text() == text, "run: python -m pysandbox.runtime.generate"


def test_it_names_exactly_the_codes_that_may_be_tried_again() -> None:
    line = next(line for line in protocol_ts().splitlines() if "RETRYABLE" in line)
    for code, info in INFO.items():
        assert (f'"{code}"' in line) is info.retryable
