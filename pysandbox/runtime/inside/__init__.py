"""Files that run inside Pyodide, each alone, by `interpreter.run_inside`. Nothing here imports the rest of us."""
