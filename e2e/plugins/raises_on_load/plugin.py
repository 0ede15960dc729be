"""Its on_load hook raises."""

from pysandbox.plugin import Context, handler, on_load


@on_load
async def start(_ctx: Context) -> None:
    raise RuntimeError("no model file")


@handler
def never(_payload: object, _ctx: Context) -> None:
    return None
