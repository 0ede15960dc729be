"""From what the page sends and what the session says to the model's features. Nothing here calls anything."""

from __future__ import annotations

import math
import re
from typing import Any

from model import COMPLAINT_WORDS, THREAT_WORDS, TIERS

MAX_ID_CHARS = 128
MAX_MESSAGE_CHARS = 20_000
ACCOUNT_FIELDS = (
    "ageDays", "contactsLast7Days", "failedPaymentsLast30Days", "ordersLast90Days", "refundsLast90Days")

_WORD = re.compile(r"[^\W\d_]+")


class Request:
    """A payload that was checked. ``account`` has the numbers that were given, and only those."""

    def __init__(self, payload: Any) -> None:
        """Raise ValueError naming everything that is wrong at once."""
        problems: list[str] = []
        if not isinstance(payload, dict):
            problems.append(f"it must be an object with customerId, not {_kind(payload)}")
            payload = {}
        self.customer_id = _text(payload, "customerId", MAX_ID_CHARS, problems)
        if not self.customer_id and not problems:
            problems.append("customerId must name the customer")
        self.message = _text(payload, "message", MAX_MESSAGE_CHARS, problems)
        self.enrich = payload.get("enrich") is True
        self.account = _account(payload.get("account"), problems)
        if problems:
            raise ValueError("the payload cannot be scored: " + "; ".join(problems))


def message_features(message: str) -> dict[str, float]:
    """What the wording says; nothing for an empty message."""
    words = _WORD.findall(message)
    if not words:
        return {}
    lower = [word.lower() for word in words]
    long_words = [word for word in words if len(word) >= 3]
    capitals = sum(word.isupper() for word in long_words)
    return {
        "complaint_words": min(4, sum(word in COMPLAINT_WORDS for word in lower)),
        "threat_words": min(3, sum(word in THREAT_WORDS for word in lower)),
        "shouting": min(1.0, capitals / max(1, len(long_words)) + 0.1 * message.count("!")),
    }


def account_features(account: dict[str, float]) -> dict[str, float]:
    """What the account's numbers say. The refund rate needs orders: without any there is no rate."""
    found: dict[str, float] = {}
    if "ageDays" in account:
        found["account_age"] = math.log1p(account["ageDays"])
    if "contactsLast7Days" in account:
        found["contacts_last_7_days"] = account["contactsLast7Days"]
    if "failedPaymentsLast30Days" in account:
        found["failed_payments_last_30_days"] = account["failedPaymentsLast30Days"]
    if account.get("ordersLast90Days") and "refundsLast90Days" in account:
        found["refund_rate"] = min(1.0, account["refundsLast90Days"] / account["ordersLast90Days"])
    return found


def session_features(session: Any) -> dict[str, float]:
    """What the page's session says. It is the page's to decide what it gives, so what is missing is not an error."""
    if not isinstance(session, dict):
        return {}
    found: dict[str, float] = {}
    if _is_count(session.get("openTickets")):
        found["open_tickets"] = float(session["openTickets"])
    tier = session.get("tier")
    if isinstance(tier, str) and tier.lower() in TIERS:
        found["loyalty"] = TIERS[tier.lower()]
    return found


def vendor_features(answer: Any) -> dict[str, float]:
    """The vendor's score, if the answer holds one from 0 to 1."""
    score = answer.get("score") if isinstance(answer, dict) else None
    return {"vendor_score": float(score)} if _is_count(score) and score <= 1 else {}


def _text(payload: dict[str, Any], name: str, max_chars: int, problems: list[str]) -> str:
    value = payload.get(name, "")
    if not isinstance(value, str):
        problems.append(f"{name} must be a string, not {_kind(value)}")
        return ""
    if len(value) > max_chars:
        problems.append(f"{name} has {len(value)} characters; {max_chars} is the most")
    return value.strip()


def _account(value: Any, problems: list[str]) -> dict[str, float]:
    if value is None:
        return {}
    if not isinstance(value, dict):
        problems.append(f"account must be an object, not {_kind(value)}")
        return {}
    account: dict[str, float] = {}
    for name, number in value.items():
        if name not in ACCOUNT_FIELDS:
            problems.append(f"account.{name} is unknown; known are {', '.join(ACCOUNT_FIELDS)}")
        elif not _is_count(number):
            problems.append(f"account.{name} must be a number from 0, not {number!r:.40}")
        else:
            account[name] = float(number)
    return account


def _is_count(value: Any) -> bool:
    """A finite number from 0 (True and False are none)."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and 0 <= value <= 1e9


def _kind(value: Any) -> str:
    return {dict: "an object", list: "an array", str: "a string", bool: "a boolean", type(None): "null"}.get(
        type(value), "a number")
