"""All moves on a gateway, one after the other, and why some cannot be made."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Sequence
from typing import Final

from pysandbox.core.errors import SandboxError
from pysandbox.testing.attacks.live.gateway import moves_answers, moves_proxy, moves_registry, moves_requests
from pysandbox.testing.attacks.live.gateway.field import Field, Move, prepared
from pysandbox.testing.attacks.live.play import Play
from pysandbox.testing.attacks.live.target import Target
from pysandbox.testing.attacks.live.verdicts import Half, Seen

MOVES: Final[tuple[Move, ...]] = (
    *moves_requests.MOVES, *moves_answers.MOVES, *moves_proxy.MOVES, *moves_registry.MOVES)
_BY_SLUG: Final = {move.play.slug: move for move in MOVES}


def attack_gateway(
    target: Target, keys: dict[str, str], plays: Sequence[Play], tell: Callable[[str, Seen], None],
    warn: Callable[[str], None],
) -> None:
    """Make those of `MOVES` that ``plays`` names; ``tell`` hears each. Raises `SandboxError`."""
    with prepared(target, keys, warn) as field:
        for play in plays:
            tell(play.slug, _made(field, _BY_SLUG[play.slug]))


def _made(field: Field, move: Move) -> Seen:
    if why := _why_not(field, move.play):
        return Seen(Half(None, "not tried", absent=why), Half(None, "not tried"))
    try:
        return move.make(field)
    except (OSError, http.client.HTTPException, SandboxError) as error:
        return Seen(Half(None, f"{type(error).__name__}: {error}"), Half(None, "not finished"))


def _why_not(field: Field, play: Play) -> str:
    if "proxy" in play.needs:
        return field.no_proxy
    if "registry" in play.needs and field.target.is_development:
        return "a server without a registry"
    return ""
