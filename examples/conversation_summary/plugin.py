"""Conversation summary: the few sentences of a chat that the rest of it speaks about, in order, with who said them.

Extractive: every sentence of the summary is one that was written, so it cannot say what nobody said.
"""

from __future__ import annotations

from collections.abc import Generator
from typing import Any, NamedTuple, TypeVar

from sentences import split_sentences
from textrank import Vector, cosine, likeness, rank, tf_idf
from words import content_words

from pysandbox.plugin import Context, handler

MAX_MESSAGES = 1000
MAX_CHARS = 200_000
MAX_SENTENCES = 1500
DEFAULT_LENGTH = 4
MAX_LENGTH = 20
TOO_ALIKE = 0.6  # cosine; a second sentence like this would say the same again
FULL_WEIGHT_WORDS = 8  # from this many words of meaning on, length makes a sentence no more interesting
STEPS_BETWEEN_PAUSES = 50

_T = TypeVar("_T")


class Sentence(NamedTuple):
    """One sentence, who wrote it, and the number of its message."""

    text: str
    author: str
    message: int
    words: list[str]


@handler
async def summarize(payload: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """Sum up ``{"messages": [{"author", "text"}], "maxSentences"?}``. Raises ValueError for another shape."""
    messages, length = checked(payload)
    sentences = read(messages, ctx.locale)
    ctx.progress(0.1, f"{len(sentences)} sentences")
    vectors = tf_idf([sentence.words for sentence in sentences])
    links = await stepwise(likeness(vectors), ctx)
    ctx.progress(0.6, "compared")
    weights = [weight(sentence, at / len(sentences)) for at, sentence in enumerate(sentences)]
    ranks = await stepwise(rank(links, weights), ctx)
    ctx.progress(0.9, "ranked")
    chosen = choose(ranks, vectors, [sentence.author for sentence in sentences], length)
    picked = [
        {"text": sentences[at].text, "author": sentences[at].author, "message": sentences[at].message,
         "rank": round(ranks[at] * len(sentences), 3)}
        for at in chosen]
    ctx.progress(1.0, "done")
    return {
        "sentences": picked, "text": told(picked),
        "of": {"messages": len(messages), "sentences": len(sentences)}}


async def stepwise(steps: Generator[Any, None, _T], ctx: Context) -> _T:
    """What ``steps`` returns. Stops between two steps when the invocation is aborted.

    The pauses let the abort in: without them nothing of the outside is heard until the work is done.
    """
    done = 0
    while True:
        ctx.signal.throw_if_aborted()
        try:
            next(steps)
        except StopIteration as end:
            return end.value
        done += 1
        if done % STEPS_BETWEEN_PAUSES == 0:
            await ctx.sleep(0)


def read(messages: list[dict[str, str]], locale: str) -> list[Sentence]:
    """The sentences that carry meaning: a greeting or a "sure" has no word that counts."""
    found: list[Sentence] = []
    for number, message in enumerate(messages):
        for text in split_sentences(message["text"]):
            words = content_words(text, locale)
            if words:
                found.append(Sentence(text, message["author"], number, words))
    if len(found) > MAX_SENTENCES:
        raise ValueError(f"the conversation has {len(found)} sentences; {MAX_SENTENCES} is the most")
    return found


def weight(sentence: Sentence, position: float) -> float:
    """How likely a reader begins here: early (a chat opens with its reason), at what says much, and asks nothing."""
    substance = min(len(set(sentence.words)), FULL_WEIGHT_WORDS) / FULL_WEIGHT_WORDS
    asks = sentence.text.rstrip("\"')").endswith("?")
    return (2 - position) * substance * (0.5 if asks else 1.0)


def choose(ranks: list[float], vectors: list[Vector], authors: list[str], length: int) -> list[int]:
    """The best sentence of each author, then the best that are left, none much like another. In their order."""
    best = sorted(range(len(ranks)), key=lambda at: (-round(ranks[at], 9), at))  # as good: the earlier one
    first_of: dict[str, int] = {}
    for at in best:
        first_of.setdefault(authors[at], at)
    chosen: list[int] = []
    for at in (*first_of.values(), *best):
        if len(chosen) < length and all(cosine(vectors[at], vectors[other]) < TOO_ALIKE for other in chosen):
            chosen.append(at)
    return sorted(chosen)


def told(picked: list[dict[str, Any]]) -> str:
    """The summary as text, a line for each turn: ``Customer: … …``."""
    lines: list[str] = []
    author = None
    for sentence in picked:
        if sentence["author"] == author:
            lines[-1] += f" {sentence['text']}"
        else:
            author = sentence["author"]
            lines.append(f"{author[:1].upper()}{author[1:]}: {sentence['text']}")
    return "\n".join(lines)


def checked(payload: Any) -> tuple[list[dict[str, str]], int]:
    """The messages, and how many sentences are wanted at most."""
    messages = payload.get("messages") if isinstance(payload, dict) else None
    if not isinstance(messages, list):
        raise ValueError('the payload must be an object with "messages", a list')  # noqa: TRY004 - one error for all
    if len(messages) > MAX_MESSAGES:
        raise ValueError(f"the conversation has {len(messages)} messages; {MAX_MESSAGES} is the most")
    for number, message in enumerate(messages):
        if not (isinstance(message, dict) and _is_text(message.get("author")) and _is_text(message.get("text"))):
            raise ValueError(f'messages[{number}] must be an object with "author" and "text", both strings')
    chars = sum(len(message["text"]) for message in messages)
    if chars > MAX_CHARS:
        raise ValueError(f"the conversation has {chars} characters; {MAX_CHARS} is the most")
    length = payload.get("maxSentences", DEFAULT_LENGTH)
    if type(length) is not int or not 1 <= length <= MAX_LENGTH:
        raise ValueError(f"maxSentences must be a whole number from 1 to {MAX_LENGTH}, not {length!r:.40}")
    return messages, length


def _is_text(value: Any) -> bool:
    return isinstance(value, str)
