"""The server: the sandbox origin (static, strict), the API origin, and what `pysandbox serve` puts together.

Where to begin: `app.py` composes both applications, `serve.py` runs them, `headers.py` says what each response carries.
"""
