"""Plugins in Deno, beside plain Pyodide in Deno that is spoken to in lines of JSON: `make bench-invoker`."""
