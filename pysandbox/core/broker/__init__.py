"""Who runs plugins and judges all that they say: one plugin's life, its invocations, calls, messages and budgets.

The browser's host worker and the server's invoker drive the same classes; where the workers are and how bytes reach
them is `world.World`, passed in.
"""
