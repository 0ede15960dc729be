"""The handlers of the benchmark as a user of PyScript writes them."""

import json
from collections.abc import Callable
from typing import Any

__export__ = ["invoke"]


def add(payload: dict[str, Any]) -> dict[str, Any]:
    """The first result that every subject is asked for."""
    return {"sum": payload["a"] + payload["b"]}


def echo(payload: dict[str, Any]) -> dict[str, Any]:
    """The round trip."""
    return {"echo": payload}


def spin(_payload: dict[str, Any]) -> dict[str, Any]:
    """The busy loop that has to be killed."""
    while True:
        pass


HANDLERS: dict[str, Callable[[dict[str, Any]], dict[str, Any]]] = {"add": add, "echo": echo, "spin": spin}


def invoke(name: str, text: str) -> str:
    """Call one handler; JSON text in and out."""
    return json.dumps(HANDLERS[name](json.loads(text)))
