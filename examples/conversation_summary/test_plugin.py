"""Unit tests of the plugin, as its vendor would write them: no browser, no network, no waiting."""

from __future__ import annotations

import json
import time
from pathlib import Path
from typing import Any

import pytest

from pysandbox.plugin import AbortError
from pysandbox.testing import PluginFolder, load_plugin

HERE = Path(__file__).parent
INPUT = json.loads((HERE / "input.json").read_text("utf-8"))


@pytest.fixture(scope="module")
def plugin() -> PluginFolder:
    return load_plugin(HERE)


def split(plugin: PluginFolder, text: str) -> list[str]:
    return plugin.modules["sentences"].split_sentences(text)


def chat(*turns: str, **extra: Any) -> dict[str, Any]:
    """A payload from turns such as ``"customer: It is broken."``."""
    return {"messages": [dict(zip(("author", "text"), turn.split(": ", 1), strict=True)) for turn in turns], **extra}


@pytest.mark.parametrize("text", [
    "I saw Dr. Patel and Mrs. Jones at St. Mary's vs. the others.",
    "It costs £3.50, i.e. 12.4% less, e.g. on No. 5 of approx. 9 items.",
    "Between 7 p.m. and 10 p.m. it drops.",
    "See https://help.example/a.b?x=1!y and www.example.com/faq?q it says",
    "Mail mia.keller@example.co.uk about v2.1.0 at 192.168.0.1 now.",
    "J. R. Smith of Acme Inc. is here",
    "well... maybe not",
    "I waited … and waited",
    "1. Unplug the router",
    "am 3. mai um 15.30 Uhr, z.B. bzw. ca. 5 kg",
    "I love it 😊 so much",
    "The family 👨‍👩‍👧 is here 👍🏽 again",
    "It says \"Error!\" on the screen",
    "Yahoo!x is odd, and so is a?b",
])
def test_one_sentence_stays_one(plugin: PluginFolder, text: str) -> None:
    assert split(plugin, text) == [text]


@pytest.mark.parametrize(("text", "expected"), [
    ("It broke. I called. Nobody came!", ["It broke.", "I called.", "Nobody came!"]),
    ("it broke. i called. nobody came", ["it broke.", "i called.", "nobody came"]),
    ("Really?! Yes!!! OK...", ["Really?!", "Yes!!!", "OK..."]),
    ("We met at 5 p.m. The line was busy.", ["We met at 5 p.m.", "The line was busy."]),
    ("Cables, plugs, etc. They were all wet.", ["Cables, plugs, etc.", "They were all wet."]),
    ("No. I did not. No. 5 did.", ["No.", "I did not.", "No. 5 did."]),
    ("I ordered 3. They sent 2.", ["I ordered 3.", "They sent 2."]),
    ("So did I. Then it rang.", ["So did I.", "Then it rang."]),
    ("It is 3.5. That is too much.", ["It is 3.5.", "That is too much."]),
    ("See https://a.example/b. Then call.", ["See https://a.example/b.", "Then call."]),
    ("He said \"No.\" Then he left. (Really.) Yes", ["He said \"No.\"", "Then he left.", "(Really.)", "Yes"]),
    ("Thanks! 😊👍 It works.", ["Thanks! 😊👍", "It works."]),
    ("It works 😊 Thank you", ["It works 😊", "Thank you"]),
    ("Fine. :-) Bye", ["Fine. :-)", "Bye"]),
    ("first line\nsecond line\n\n\nthird", ["first line", "second line", "third"]),
    ("壊れました。助けて！早く", ["壊れました。", "助けて！", "早く"]),
    ("Wait... What?", ["Wait...", "What?"]),
    ("  spaced   out.   Yes  ", ["spaced out.", "Yes"]),
    ("", []), (" \n ", []), ("...", ["..."]), ("😊", ["😊"]),
])
def test_sentences_end_where_they_end(plugin: PluginFolder, text: str, expected: list[str]) -> None:
    assert split(plugin, text) == expected


def test_splitting_loses_nothing_but_white_space(plugin: PluginFolder) -> None:
    for message in INPUT["messages"]:
        joined = "".join(split(plugin, message["text"]))
        assert joined.replace(" ", "") == "".join(message["text"].split())


@pytest.mark.parametrize("unit", ["!", "!)", "a. ", "e.g. ", "😊", "😊 x", "1. ", "...", ". )", ":) ", "\n", "a.b."])
def test_splitting_takes_time_in_proportion_to_the_length(plugin: PluginFolder, unit: str) -> None:
    def seconds(chars: int) -> float:
        began = time.process_time()
        split(plugin, (unit * chars)[:chars] + "x")
        return time.process_time() - began

    small, large = min(seconds(8_000), seconds(8_000)), min(seconds(64_000), seconds(64_000))
    assert large < 0.02 + 20 * small  # 8 times the text; were it quadratic, it would be 64 times the work


def test_the_sample_chat_is_summed_up_by_problem_cause_and_solution(plugin: PluginFolder) -> None:
    result = plugin.invoke("summarize", INPUT)
    assert result["text"].splitlines() == [
        "Customer: It drops between 7 p.m. and 10 p.m. and I work from home, so I lose my video calls 😡",
        ("Agent: The line test shows packet loss of 12.4% on the line between your house and the street cabinet. "
         "The engineer is booked for Friday between 1 p.m. and 5 p.m. "
         "Then we extend the credit day by day until the connection works, and I will send you a mobile router for "
         "your video calls. You will get an e-mail with the appointment, the reference and the credit in a few "
         "minutes."),
    ]
    assert result["of"] == {"messages": 25, "sentences": 37}


def test_every_sentence_is_one_that_its_author_wrote_in_the_order_they_were_said(plugin: PluginFolder) -> None:
    sentences = plugin.invoke("summarize", {**INPUT, "maxSentences": 12})["sentences"]
    assert len(sentences) == 12
    for sentence in sentences:
        message = INPUT["messages"][sentence["message"]]
        assert sentence["text"] in message["text"]
        assert sentence["author"] == message["author"]
    order = [(s["message"], INPUT["messages"][s["message"]]["text"].index(s["text"])) for s in sentences]
    assert order == sorted(order)


def test_small_talk_is_never_chosen(plugin: PluginFolder) -> None:
    result = plugin.invoke("summarize", chat(
        "customer: Hi there", "agent: Hello! How can I help you today?", "customer: ok", "customer: thanks!"))
    assert (result["sentences"], result["text"], result["of"]["sentences"]) == ([], "", 0)


def test_what_is_said_twice_is_told_once(plugin: PluginFolder) -> None:
    again = "customer: The router drops the connection every evening."
    result = plugin.invoke("summarize", chat(again, again, again, "customer: The invoice is wrong.", maxSentences=3))
    assert [s["text"] for s in result["sentences"]] == [
        "The router drops the connection every evening.", "The invoice is wrong."]
    assert result["sentences"][0]["message"] == 0


def test_each_author_is_heard_if_there_is_room(plugin: PluginFolder) -> None:
    turns = [f"agent: The router test number {n} shows a router fault." for n in range(6)]
    result = plugin.invoke("summarize", chat("customer: My parcel is missing.", *turns, maxSentences=2))
    assert {s["author"] for s in result["sentences"]} == {"customer", "agent"}


def test_no_messages_make_an_empty_summary(plugin: PluginFolder) -> None:
    assert plugin.invoke("summarize", {"messages": []})["text"] == ""


def test_the_locale_decides_which_words_are_small(plugin: PluginFolder) -> None:
    content_words = plugin.modules["words"].content_words
    assert content_words("Ich habe nicht die Rechnung", "de-AT") == ["rechnung"]
    assert content_words("Where are my orders and the companies", "en-GB") == ["order", "company"]
    assert content_words("Où est ma commande", "fr-FR") == ["où", "est", "ma", "commande"]
    german = plugin.invoke("summarize", chat("kunde: Ja, gern. Die Rechnung ist falsch."), plugin.context(locale="de"))
    assert [s["text"] for s in german["sentences"]] == ["Die Rechnung ist falsch."]


def drain(steps: Any) -> tuple[list[Any], Any]:
    yielded = []
    while True:
        try:
            yielded.append(next(steps))
        except StopIteration as end:
            return yielded, end.value


def test_the_ranks_are_the_fixed_point_of_the_random_walk(plugin: PluginFolder) -> None:
    textrank = plugin.modules["textrank"]
    links = [{1: 0.5, 2: 0.25}, {0: 0.5}, {0: 0.25}, {}]
    weights = [1.0, 1.0, 2.0, 1.0]
    changes, ranks = drain(textrank.rank(links, weights))
    assert sum(ranks) == pytest.approx(1)
    assert changes[-1] < textrank.TOLERANCE < changes[-2]
    for at in range(4):
        into = sum(ranks[other] * row[at] / sum(row.values()) for other, row in enumerate(links) if at in row)
        base = 0.15 + 0.85 * ranks[3]  # the lone one passes its rank on to all
        assert ranks[at] == pytest.approx(base * weights[at] / 5 + 0.85 * into, abs=1e-5)
    assert ranks[0] == max(ranks)


def test_the_iteration_is_bounded_even_where_it_swings(plugin: PluginFolder) -> None:
    textrank = plugin.modules["textrank"]
    star = [dict.fromkeys(range(1, 50), 1.0), *({0: 1.0} for _ in range(49))]  # two sides: the slowest case there is
    changes, _ = drain(textrank.rank(star, [1.0] * 50))
    assert changes[-1] < textrank.TOLERANCE
    assert len(changes) <= textrank.MAX_STEPS
    assert drain(textrank.rank([], [])) == ([], [])


def test_tf_idf_gives_unit_vectors_in_which_rare_words_weigh_more(plugin: PluginFolder) -> None:
    textrank = plugin.modules["textrank"]
    vectors = textrank.tf_idf([["router", "red"], ["router", "bill"], ["router"]])
    assert [textrank.cosine(v, v) for v in vectors] == pytest.approx([1, 1, 1])
    assert vectors[0]["red"] > vectors[0]["router"]
    _, links = drain(textrank.likeness(vectors))
    assert links[0][1] == links[1][0] == pytest.approx(textrank.cosine(vectors[0], vectors[1]))
    assert 0 not in links[0]


def test_progress_only_ever_grows_and_ends_at_1(plugin: PluginFolder) -> None:
    ctx = plugin.context()
    plugin.invoke("summarize", INPUT, ctx)
    fractions = [note.fraction for note in ctx.progressed]
    assert fractions == sorted(fractions)
    assert fractions[-1] == 1


def test_an_abort_that_comes_in_during_the_work_ends_it(plugin: PluginFolder) -> None:
    ctx = plugin.context()
    turns = [f"customer: Router number{n} drops call number{n}." for n in range(200)]
    ctx.set_timeout(lambda: ctx.abort("the tab was closed"), 0)  # fires as soon as the handler lets anything in
    with pytest.raises(AbortError, match="tab was closed"):
        plugin.invoke("summarize", chat(*turns), ctx)
    assert [note.message for note in ctx.progressed] == ["200 sentences"]


@pytest.mark.parametrize(("payload", "complaint"), [
    (None, '"messages", a list'), ({"messages": "hi"}, '"messages", a list'),
    ({"messages": ["hi"]}, r"messages\[0\]"),
    ({"messages": [{"author": "a", "text": "x"}, {"text": "x"}]}, r"messages\[1\]"),
    ({"messages": [{"author": "a", "text": 5}]}, "both strings"),
    ({"messages": [{"author": "a", "text": ""}] * 1001}, "1001 messages; 1000 is the most"),
    ({"messages": [{"author": "a", "text": "x" * 200_001}]}, "200001 characters; 200000 is the most"),
    ({"messages": [{"author": "a", "text": "Broken router. " * 1501}]}, "1501 sentences; 1500 is the most"),
    ({"messages": [], "maxSentences": 0}, "from 1 to 20, not 0"),
    ({"messages": [], "maxSentences": True}, "not True"),
    ({"messages": [], "maxSentences": "3"}, "not '3'"),
])
def test_a_payload_of_another_shape_is_refused_and_the_message_says_what_is_wrong(
    plugin: PluginFolder, payload: Any, complaint: str,
) -> None:
    with pytest.raises(ValueError, match=complaint):
        plugin.invoke("summarize", payload)
