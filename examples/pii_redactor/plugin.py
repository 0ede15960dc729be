"""PII redactor: finds e-mail addresses, phone numbers, payment cards and bank accounts in a message and masks them.

Nothing that it finds leaves it but masked: not in the result, not in the log.
"""

from __future__ import annotations

from typing import Any

from emails import find_emails
from payment import find_cards, find_ibans
from phones import find_phones
from spans import without

from pysandbox.plugin import Context, handler

MAX_CHARS = 20_000  # a message, not a book

# In this order: what has a checksum or an "@" is certain, a phone number is what is left.
DETECTORS = {"email": find_emails, "iban": find_ibans, "card": find_cards, "phone": find_phones}


@handler
def redact(payload: dict[str, Any], ctx: Context) -> dict[str, Any]:
    """Mask ``{"text", "kinds"?}``: all kinds, or those named. Positions are code points from 0, ``end`` exclusive.

    Raises ValueError for a payload of another shape.
    """
    text, kinds = checked(payload)
    findings: list[dict[str, Any]] = []
    left = text
    for done, kind in enumerate(kinds):
        ctx.signal.throw_if_aborted()
        spans = DETECTORS[kind](left)
        left = without(left, spans)
        findings += (
            {"kind": kind, "start": start, "end": end, "preview": preview(kind, text[start:end])}
            for start, end in spans)
        ctx.progress((done + 1) / len(kinds), kind)
    findings.sort(key=lambda finding: finding["start"])
    counts = {kind: sum(finding["kind"] == kind for finding in findings) for kind in kinds}
    ctx.log.info("redacted", characters=len(text), **counts)
    return {"text": masked(text, findings), "findings": findings, "counts": counts}


def checked(payload: Any) -> tuple[str, list[str]]:
    """Text and kinds to look for, in the order of the detectors."""
    text = payload.get("text") if isinstance(payload, dict) else None
    if not isinstance(text, str):
        raise ValueError('the payload must be an object with "text", a string')  # noqa: TRY004 - one error for all
    if len(text) > MAX_CHARS:
        raise ValueError(f"text has {len(text)} characters; {MAX_CHARS} is the most")
    kinds = payload.get("kinds", list(DETECTORS))
    if not isinstance(kinds, list) or not kinds or not all(kind in DETECTORS for kind in kinds):
        raise ValueError(f"kinds must be a list of some of {', '.join(DETECTORS)}")
    return text, [kind for kind in DETECTORS if kind in kinds]


def masked(text: str, findings: list[dict[str, Any]]) -> str:
    """``text`` with ``[kind]`` in place of each finding."""
    parts: list[str] = []
    at = 0
    for finding in findings:
        parts += (text[at:finding["start"]], f"[{finding['kind']}]")
        at = finding["end"]
    return "".join((*parts, text[at:]))


def preview(kind: str, found: str) -> str:
    """Just enough for the one it belongs to to recognise it: PCI DSS allows a card's last four digits."""
    if kind == "email":
        return f"{found[0]}•••@•••{found[found.rindex('.'):]}"
    signs = "".join(sign for sign in found if sign.isalnum())
    if kind == "iban":
        return f"{signs[:2].upper()}•••{signs[-4:]}"
    return f"•••{signs[-4:] if kind == 'card' else signs[-2:]}"
