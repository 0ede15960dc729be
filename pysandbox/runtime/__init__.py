"""Builds the browser bundle with the interpreter that will run it: Pyodide inside Deno."""
