"""A deadline of 200 ms in its manifest, and a handler that does not keep it."""

from pysandbox.plugin import Context, handler


@handler
def spin(_payload: object, _ctx: Context) -> None:
    while True:
        pass
