"""Messages that are forged, and time, memory and attention that are taken."""

from __future__ import annotations

from typing import Final

from pysandbox.testing.attacks.live.play import Play, titled

_SEAL: Final = "each envelope is sealed under its port's key, numbered, and bound to session, plugin and generation"
_LIVED: Final = "a message of the same plugin, sealed as it should be, is heard"

_FORGED: Final = (
    ("nonce", "a nonce of zeros", "forged_nonce", 0), ("key", "another key", "other_key", 0),
    ("altered", "a payload altered after it was sealed", "altered", 0),
    ("other-plugin", "another plugin's name", "other_plugin", 0),
    ("direction", "the host's own direction", "other_direction", 0),
    ("replay", "the same message again", "replayed", 1), ("order", "two messages in the wrong order", "reordered", 1),
    ("stale", "the generation before", "stale_generation", 0), ("next", "the generation after", "next_generation", 0),
    ("session", "another session", "other_session", 0), ("origin", "another origin", "other_origin", 0),
    ("version", "another version of the protocol", "other_version", 0),
)
_SEALED: Final = (
    ("unknown-result", "a result of a call that nobody made",
     {"kind": "result", "id": "999", "payload": '"x"'}, True),
    ("ready", "a second `ready`", {"kind": "ready"}, True),
    ("loaded", "a second `loaded`, with other handlers",
     {"kind": "loaded", "id": "load", "payload": '{"handlers":["evil"]}'}, True),
    ("load", "an order that only the host gives", {"kind": "load", "id": "load"}, True),
    ("credit", "credit of its own making", {"kind": "credit", "payload": "99999"}, True),
    ("duplicate-key", "a payload with one key twice",
     {"kind": "event", "payload": '{"event":"a","event":"forged"}'}, True),
    ("nan", "a payload of NaN", {"kind": "event", "payload": "NaN"}, True),
    ("surrogate", "half of a surrogate pair", {"kind": "event", "payload": '{"event":"\\ud800","data":null}'}, True),
    ("many-keys", "an object of a thousand and one keys",
     {"kind": "event", "payload": "{" + ",".join(f'"k{n}":1' for n in range(1001)) + "}"}, True),
    ("unknown-kind", "a kind that is none", {"kind": "open"}, False),
)
_RAW: Final = (
    ("empty", "nothing", ""), ("text", "text that is no envelope", "hello"), ("object", "an empty object", "{}"),
    ("zero", "a zero character", "\u0000"), ("brackets", "4,000 opening brackets", "[" * 4000),
)

MESSAGES: Final = (
    *(Play(
        slug=f"messages-{slug}", group="messages", title=f"Forged: {title}",
        tries=f"sends {title}", wall=_SEAL, control=_LIVED, kind="forge",
        data={"forgery": forgery, "delivered": delivered}, numbers=(22, 23, 29))
      for slug, title, forgery, delivered in _FORGED),
    *(Play(
        slug=f"messages-sealed-{slug}", group="messages", title=titled(title),
        tries=f"sends {title}, sealed as it should be",
        wall="what a plugin may say is a closed list, and its JSON is strict", control=_LIVED, kind="forge",
        data={"forgery": "sealed", "delivered": 0, "message": {**message, "counts": counts}}, numbers=(24, 25, 85, 86))
      for slug, title, message, counts in _SEALED),
    *(Play(
        slug=f"messages-raw-{slug}", group="messages", title=f"On the port: {title}",
        tries=f"posts {title} on its port", wall="the gate counts and scans before anything is parsed",
        control=_LIVED, kind="forge",
        data={"forgery": "raw", "delivered": 0, "message": {"text": text}}, numbers=(22, 85))
      for slug, title, text in _RAW),
    Play(
        slug="messages-deep", group="messages", title="A sealed payload of 200,000 brackets",
        tries="ends the host's interpreter by nesting", wall="nesting is counted by a scan before anybody parses",
        control=_LIVED, kind="forge", data={"forgery": "brackets", "delivered": 0, "message": {"count": 200_000}},
        numbers=(28, 85)),
    Play(
        slug="messages-answer-twice", group="messages", title="Two answers to one call",
        tries="answers a call twice, for the second to be taken for another's", control=_LIVED, kind="answerTwice",
        wall="a call's id is good for one answer", numbers=(24,)),
    Play(
        slug="messages-sibling", group="messages", title="A frame beside it that forges all the time",
        tries="a frame without an origin posts `ready`, `failed` and `init` to page, host frame and cells",
        wall="a sender is known by its window and origin, once; then only a port counts",
        control="a page that looks at no sender hears it", kind="sibling", numbers=(21, 22)),
    Play(
        slug="messages-second-init", group="messages", title="A second `init` for the host frame",
        tries="hands the host frame another port", wall="the host frame takes one `init`, from its parent",
        control="a frame that does not count answers twice", kind="secondInit", numbers=(25,)),
)

# Its name, what it is, its name in `holding.py`, and its numbers.
_HOLDS: Final = (
    ("loop", "An endless loop", "spin", (34,)),
    ("swallow", "An endless loop that catches every request to stop", "swallow", (36,)),
    ("regex", "A regular expression that backtracks for years", "regex", (35, 78)),
    ("bignum", "Numbers of millions of digits", "bignum", (35, 89)),
    ("sleep", "A sleep in C", "sleep", (35,)),
    ("sort", "A sort whose comparisons do not end", "sort", (35, 89)),
    ("calls", "A deadline stretched by calls outside", "calls", (46,)),
    ("wait", "A wait for nothing", "wait", (34,)),
    ("hash-flood", "Keys that all have one hash", "hash_flood", (98,)),
)
# And: what the control says, whether asking for it is allowed.
_TAKES: Final = (
    ("memory", "Memory, bit by bit", "hoard", "memory", "took", False, (37,)),
    ("block", "Memory, in one block", "one_block", "block", "took", False, (37,)),
    ("recursion", "Recursion without an end", "recursion", "recursion", "died", False, (44,)),
    ("deep-json", "Nesting that a parser dies of", "deep_json", "recursion", "died", False, (85,)),
    ("giant-result", "A result of twenty million characters", "giant_result", "giant-result", "took", False, (40,)),
    ("timers", "Five thousand timers", "timers", "timers", "took", True, (41,)),
    ("tasks", "Tasks that survive their handler", "tasks", "tasks", "took", True, (47,)),
)
# And: how many, and of how many characters.
_FLOODS: Final = (
    ("flood", "Messages without credit", "flood", 3000, 500, (39, 87)),
    ("events", "Events as fast as a loop", "events", 5000, 100, (39,)),
    ("logs", "Log lines as fast as a loop", "logs", 20_000, 500, (45,)),
    ("prints", "Prints as fast as a loop", "prints", 20_000, 200, (45,)),
    ("giant", "One giant message", "giant", 1, 3_000_000, (40,)),
)
EXHAUSTION: Final = (
    *(Play(
        slug=f"exhaustion-{slug}", group="exhaustion", title=title, tries="does not end, and is called with 800 ms",
        wall="three layers of deadline, the last of them a watchdog that kills", kind="hold", data={"how": how},
        control="a loop makes an ordinary worker deaf", numbers=numbers) for slug, title, how, numbers in _HOLDS),
    *(Play(
        slug=f"exhaustion-{slug}", group="exhaustion", title=title, tries="takes more than a plugin may have",
        wall="the memory's maximum, budgets for timers and tasks, and the end of a worker that passes them",
        control="an ordinary worker takes it, or dies of it", kind="take",
        data={"how": how, "code": code, "proof": proof, "mayEnd": may_end}, numbers=numbers)
      for slug, title, how, code, proof, may_end, numbers in _TAKES),
    *(Play(
        slug=f"exhaustion-{slug}", group="exhaustion", title=title, tries="sends more than anybody can listen to",
        wall="credit: the gate counts before it reads, and ends who overdraws", kind="flood",
        control="all that an ordinary worker sends is heard", data={"how": how, "count": count, "chars": chars},
        numbers=numbers) for slug, title, how, count, chars, numbers in _FLOODS),
    Play(
        slug="exhaustion-after-the-kill", group="exhaustion", title="Messages after its end",
        tries="goes on sending when it is killed", wall="its port is closed before anything else", kind="late",
        control="an ordinary worker that nobody ends is heard on and on", numbers=(61, 88)),
)
