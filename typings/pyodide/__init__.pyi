# What of Pyodide the browser side uses, for the type checker: Pyodide itself is not installed here.
