"""What the playground page of `pysandbox dev` asks of this machine: one plugin's folder, looked at, explained, edited.

It writes files, so it is the one part of a development server with a token of its own, which plugins' hosts never see.
"""
