"""The report as one page: no script, nothing loaded, dark and narrow as its reader's screen is.

Whatever is said in it may come from a plugin or a deployment: all of it is escaped, and the page forbids itself
everything but its own style.
"""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Iterable
from html import escape
from pathlib import Path
from typing import Any, Final

_STYLE: Final = (Path(__file__).parent / "report.css").read_text("utf-8")
_HASH: Final = base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
_POLICY: Final = f"default-src 'none'; style-src 'sha256-{_HASH}'; base-uri 'none'; form-action 'none'"
_NAMES: Final = {"chromium": "Chromium", "firefox": "Firefox", "webkit": "WebKit", "gateway": "Gateway"}
_MARKS: Final = {
    "stopped": "✓", "got through": "✗", "control failed": "?", "not applicable": "–", "residual": "◐"}


def render(data: dict[str, Any]) -> str:
    """The page of a report's data, as `report.as_data` makes it."""
    title = "Nothing got through" if data["ok"] else "Look here first"
    return f"""<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{escape(_POLICY)}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<meta name="referrer" content="no-referrer">
<title>Attack report: {escape(data["url"])}</title>
<style>{_STYLE}</style>
</head>
<body>
<a class="skip" href="#attacks">To the attacks</a>
<header>
<h1 class="{"good" if data["ok"] else "bad"}">{title}</h1>
<p><code>{escape(data["url"])}</code>, build <code>{escape(data["build"])}</code>, attacked by pysandbox
{escape(data["pysandbox"])} from {escape(data["startedAt"])} to {escape(data["endedAt"])}.</p>
{_counts(data)}
</header>
<main>
{_first(data)}
<section id="attacks"><h2>Attacks</h2>
<p>Each was made twice. <em>The control</em> is the same code outside of the sandbox, in an ordinary worker or frame of
the same browser: there it has to work, else the attack would prove nothing.</p>
{"".join(_group(name, attacks, data) for name, attacks in _by_group(data["attacks"]))}
</section>
{_residual(data)}
{_legend(data)}
</main>
</body>
</html>
"""


def _counts(data: dict[str, Any]) -> str:
    cells = "".join(
        f'<li class="{_css(verdict)}"><b>{count}</b> {escape(verdict)}</li>'
        for verdict, count in data["counts"].items() if count)
    places = "".join(
        f"<li>{escape(_name(one['place']))}"
        + (f" <small>{escape(one['agent'])}</small>" if one["agent"] else "") + "</li>" for one in data["places"])
    return f'<ul class="counts">{cells}</ul><ul class="places">{places}</ul>'


def _first(data: dict[str, Any]) -> str:
    """What a reader has to see before the table: engines that were missing, what was left behind, what went wrong."""
    notes = [f"{_name(one['place'])} was not attacked: {one['why']}" for one in data["missing"]]
    notes += data["warnings"]
    listed = "".join(f"<li>{escape(note)}</li>" for note in notes)
    bad = "".join(
        f'<li><a href="#{escape(attack["slug"])}">{escape(attack["title"])}</a> '
        f'<span class="verdict {_css(result["verdict"])}">{escape(result["verdict"])}</span> '
        f"in {escape(_name(place))}: {escape(result['reason'])}</li>"
        for attack in data["attacks"] for place, result in attack["results"].items()
        if result["verdict"] in ("got through", "control failed"))
    return (f'<section class="first"><h2>First</h2><ul>{listed}{bad}</ul></section>' if listed or bad else "")


def _by_group(attacks: Iterable[dict[str, Any]]) -> list[tuple[str, list[dict[str, Any]]]]:
    groups: dict[str, list[dict[str, Any]]] = {}
    for attack in attacks:
        if attack["results"]:
            groups.setdefault(attack["group"], []).append(attack)
    return list(groups.items())


def _group(name: str, attacks: list[dict[str, Any]], data: dict[str, Any]) -> str:
    places = [one["place"] for one in data["places"] if any(one["place"] in attack["results"] for attack in attacks)]
    heads = "".join(f'<th scope="col">{escape(_name(place))}</th>' for place in places)
    rows = "".join(_row(attack, places) for attack in attacks)
    return (
        f'<h3>{escape(name.capitalize())} <small>{len(attacks)}</small></h3><div class="wide" tabindex="0" '
        f'role="region" aria-label="{escape(name)}"><table><thead><tr><th scope="col">Attack</th>{heads}</tr></thead>'
        f"<tbody>{rows}</tbody></table></div>")


def _row(attack: dict[str, Any], places: list[str]) -> str:
    cells = "".join(_cell(attack["results"].get(place)) for place in places)
    seen = "".join(_seen(place, attack["results"][place]) for place in places if place in attack["results"])
    return (
        f'<tr id="{escape(attack["slug"])}"><th scope="row"><details><summary>{escape(attack["title"])}</summary>'
        f"<dl><dt>Tries</dt><dd>{escape(attack['tries'])}</dd><dt>Wall</dt><dd>{escape(attack['wall'])}</dd>"
        f"<dt>Control</dt><dd>{escape(attack['control'])}</dd>{seen}"
        f"<dt>Name</dt><dd><code>{escape(attack['slug'])}</code></dd></dl></details></th>{cells}</tr>")


def _cell(result: dict[str, Any] | None) -> str:
    if result is None:
        return "<td></td>"
    verdict = result["verdict"]
    return (
        f'<td><span class="verdict {_css(verdict)}"><span aria-hidden="true">{_MARKS.get(verdict, "")}</span> '
        f"{escape(verdict)}</span></td>")


def _seen(place: str, result: dict[str, Any]) -> str:
    alerts = f" Alerts: {', '.join(result['alerts'])}." if result["alerts"] else ""
    return (
        f"<dt>{escape(_name(place))}</dt><dd>Outside: {escape(result['control']['said'])}<br>"
        f"Inside: {escape(result['attack']['said'])}{escape(alerts)}</dd>")


def _residual(data: dict[str, Any]) -> str:
    rows = "".join(
        f"<dt>{escape(one['title'])} <small>{escape(', '.join(_name(name) for name in one['places']))}"
        f"</small></dt><dd>{escape(one['gains'])} {escape(one['why'])} {escape(one['advice'])}</dd>"
        for one in data["residual"])
    return f'<section id="residual"><h2>What is left</h2><dl class="residual">{rows}</dl></section>'


def _legend(data: dict[str, Any]) -> str:
    rows = "".join(
        f'<dt><span class="verdict {_css(verdict)}">{escape(verdict)}</span></dt><dd>{escape(meaning)}</dd>'
        for verdict, meaning in data["meanings"].items())
    return f"<section><h2>Verdicts</h2><dl>{rows}</dl></section>"


def _name(place: str) -> str:
    return _NAMES.get(place, place)


def _css(verdict: str) -> str:
    return escape(verdict.replace(" ", "-"))
