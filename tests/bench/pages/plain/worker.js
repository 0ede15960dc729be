import * as Comlink from "/npm/comlink/comlink.min.mjs";
import { loadPyodide } from "/npm/pyodide/pyodide.mjs";

const handlers = `
import json

def add(payload):
    return {"sum": payload["a"] + payload["b"]}

def echo(payload):
    return {"echo": payload}

def spin(payload):
    while True:
        pass

HANDLERS = {"add": add, "echo": echo, "spin": spin}

def invoke(name, text):
    return json.dumps(HANDLERS[name](json.loads(text)))
`;

const ready = loadPyodide().then((pyodide) => {
  pyodide.runPython(handlers);
  return pyodide.globals.get("invoke");
});

Comlink.expose({
  async invoke(name, text) {
    return (await ready)(name, text);
  },
});
