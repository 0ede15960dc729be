"""The plugin's logic without a browser; ``pysandbox test`` then runs its saved input in the real sandbox too."""

from __future__ import annotations

from pathlib import Path

from pysandbox.testing import load_plugin

PLUGIN = load_plugin(Path(__file__).parent)


def test_the_words_tell_the_topic() -> None:
    result = PLUGIN.invoke("classify", {"text": "I was charged twice. Refund?"})
    assert result == {"topic": "billing", "words": ["charged", "refund"]}


def test_a_text_that_says_nothing_known_is_other() -> None:
    assert PLUGIN.invoke("classify", {"text": "Hello"}) == {"topic": "other", "words": []}
