"""Where a plugin can run when no browser is there: the `Invoker` port, and what stands behind it."""
