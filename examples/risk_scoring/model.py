"""The model as data: a logistic regression for the risk that a chat escalates (complaint, chargeback, cancellation).

    log-odds = INTERCEPT + sum of coefficient * (value - mean) / deviation, over the features that are known

``mean`` and ``deviation`` standardise a feature; a feature that is not known counts as average, so it adds nothing.
The figures are made up to behave sensibly: they were fitted on nobody's data. Put your own model's here.
"""

from __future__ import annotations

from typing import NamedTuple

VERSION = "2024-05"
INTERCEPT = -1.35  # an average chat escalates in one of five cases

# Upper bound (exclusive) of the probability, and the band's name; what is above all bounds is LAST_BAND.
BANDS = ((0.25, "low"), (0.55, "medium"))
LAST_BAND = "high"


class Feature(NamedTuple):
    """One input of the model; ``coefficient`` is the change of log-odds for one standard deviation."""

    coefficient: float
    mean: float
    deviation: float
    meaning: str


FEATURES: dict[str, Feature] = {
    "open_tickets": Feature(0.42, 0.6, 1.0, "tickets of this customer that are not closed"),
    "contacts_last_7_days": Feature(0.47, 0.9, 1.2, "earlier contacts in the last week, on any channel"),
    "failed_payments_last_30_days": Feature(0.31, 0.2, 0.6, "payments that were declined in the last month"),
    "refund_rate": Feature(0.28, 0.06, 0.12, "refunds per order in the last quarter, 0 to 1"),
    "account_age": Feature(-0.36, 5.9, 1.3, "natural logarithm of 1 + days since the account was opened"),
    "loyalty": Feature(-0.22, 0.7, 0.9, "tier: standard 0, silver 1, gold 2, platinum 3"),
    "complaint_words": Feature(0.58, 0.5, 0.9, "words of complaint in the message, 4 at most"),
    "threat_words": Feature(0.66, 0.1, 0.4, "words of leaving, disputing or suing in the message, 3 at most"),
    "shouting": Feature(0.19, 0.05, 0.12, "share of words of 3 letters or more in capitals, plus 0.1 for each '!'"),
    "vendor_score": Feature(0.52, 0.3, 0.2, "the vendor's own score of the customer, 0 to 1"),
}

TIERS = {"standard": 0, "silver": 1, "gold": 2, "platinum": 3}

_COMPLAINT = """
again angry annoyed annoying awful bad broken charged complain complaint damaged delayed disappointed disappointing
error fail failed fault faulty frustrated frustrating incorrect late missing mistake never nobody overcharged problem
ridiculous still third terrible twice unacceptable unhappy useless waiting worst wrong
"""
_THREAT = """
attorney cancel cancelled cancelling cancellation chargeback court dispute disputed disputing fraud lawsuit lawyer
legal leave leaving ombudsman police quit regulator report scam solicitor sue suing switch switching terminate
"""
COMPLAINT_WORDS = frozenset(_COMPLAINT.split())
THREAT_WORDS = frozenset(_THREAT.split())
