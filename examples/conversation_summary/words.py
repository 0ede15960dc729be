"""What of a sentence carries meaning: its words without the small ones, plurals folded into singulars."""

from __future__ import annotations

import re

_WORD = re.compile(r"https?://\S+|[^\W\d_]+(?:['\u2019][^\W\d_]+)*|\d+(?:[.,:]\d+)*")

_ENGLISH = """
a about after again all also am an and any anything are as at be been before being but by can could did do does doing
done else even ever for from get gets getting go going got had has have having he her here hers him his how i if in into
is it its just let like may me might more most much must my no nor not now of off on once one only or other our ours out
over own please put really said same say she should so some something still such sure take than thank thanks that the
their them then there these they thing things this those through to too under until up us use very want was we well were
what when where which while who whom why will with would yes yet you your yours hi hello hey ok okay great perfect
welcome sorry good bye fine nice day morning afternoon help name course tell today ve ll re don doesn didn isn wasn won
can't cannot i'm it's that's you're
"""
_GERMAN = """
aber alle als also am an auch auf aus bei bin bis bist bitte da damit danach danke dann das dass dein dem den der des
die dies diese dieser doch dort du durch ein eine einem einen einer eines er es etwas euch für ganz gar gehen gern
gerne gibt guten habe haben hallo hat hatte hier hilfe ich ihm ihn ihnen ihr ihre im in ist ja jetzt kann kein keine
können man mehr mein meine mich mir mit morgen muss nach nein nicht noch nun nur ob oder okay schon sehr sein seine
sich sie sind so tag um und uns unser vom von vor war was wegen weil wenn wer wie wieder wir wird wo zu zum zur über
"""
STOP_WORDS = {"en": frozenset(_ENGLISH.split()), "de": frozenset(_GERMAN.split())}


def content_words(sentence: str, locale: str) -> list[str]:
    """The words that carry meaning, folded; of a language without a list every word counts."""
    stop = STOP_WORDS.get(locale.partition("-")[0].lower(), frozenset())
    words = [word.lower().replace("\u2019", "'") for word in _WORD.findall(sentence)]
    return [fold(word) for word in words if word not in stop and (len(word) > 1 or word.isdigit())]


def fold(word: str) -> str:
    """``word`` without a possessive and without a plural's or verb's plain "s"."""
    word = word.removesuffix("'s")
    if len(word) > 3 and word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-3] + "y" if word.endswith("ies") and len(word) > 4 else word[:-1]
    return word
