"""What a message is about, by its words. It asks for nothing, so its manifest needs no permission."""

from __future__ import annotations

import re
from collections import Counter
from typing import Any

from pysandbox.plugin import Context, handler

TOPICS = {
    "billing": {"charged", "invoice", "refund", "paid", "bill"},
    "delivery": {"parcel", "late", "delivery", "address", "arrived"},
}


@handler
def classify(payload: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """The topic of ``{"text"}``, and the words that say so."""
    words = Counter(re.findall(r"\w+", str(payload["text"]).lower()))
    found = {topic: sorted(words.keys() & known) for topic, known in TOPICS.items()}
    topic = max(found, key=lambda name: sum(words[word] for word in found[name]))
    if not found[topic]:
        topic = "other"
    ctx.progress(1.0, topic)
    return {"topic": topic, "words": found.get(topic, [])}
