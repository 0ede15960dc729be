"""Attributes as OpenTelemetry has them."""

from __future__ import annotations

from collections.abc import Mapping

from opentelemetry.proto.common.v1.common_pb2 import AnyValue, KeyValue


def attributes(values: Mapping[str, object]) -> list[KeyValue]:
    """What is empty is left out."""
    return [KeyValue(key=name, value=_value(value)) for name, value in values.items() if value not in ("", None)]


def _value(value: object) -> AnyValue:
    if isinstance(value, bool):
        return AnyValue(bool_value=value)
    if isinstance(value, int):
        return AnyValue(int_value=value)
    return AnyValue(double_value=value) if isinstance(value, float) else AnyValue(string_value=str(value))
