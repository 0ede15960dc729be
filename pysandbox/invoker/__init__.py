"""Where a plugin runs when no browser is there: the `Invoker` port, its Deno process, and a function behind HTTP.

What judges the plugin is `pysandbox.core.broker`, the same as in a browser's host worker.
"""
