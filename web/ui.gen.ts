// GENERATED from pysandbox.core by `python -m pysandbox.runtime.generate`. Do not edit: change the source.

export const COMPONENTS: Record<string, Record<string, string>> = {
  "column": {
    "children": "nodes"
  },
  "row": {
    "children": "nodes"
  },
  "card": {
    "title": "text",
    "children": "nodes"
  },
  "heading": {
    "text": "text"
  },
  "text": {
    "text": "text",
    "tone": "tone?"
  },
  "badge": {
    "text": "text",
    "tone": "tone?"
  },
  "metric": {
    "label": "text",
    "value": "text",
    "tone": "tone?"
  },
  "meter": {
    "label": "text",
    "share": "share"
  },
  "items": {
    "items": "texts"
  },
  "table": {
    "caption": "text",
    "columns": "texts",
    "rows": "rows"
  },
  "button": {
    "text": "text",
    "invoke": "handler",
    "payload": "json?",
    "tone": "tone?"
  },
  "form": {
    "invoke": "handler",
    "submit": "text",
    "children": "nodes",
    "payload": "json?"
  },
  "text_field": {
    "name": "name",
    "label": "text",
    "value": "text?",
    "required": "bool?",
    "multiline": "bool?"
  },
  "number_field": {
    "name": "name",
    "label": "text",
    "value": "number?",
    "least": "number?",
    "most": "number?",
    "required": "bool?"
  },
  "choice": {
    "name": "name",
    "label": "text",
    "options": "options",
    "value": "text?"
  },
  "checkbox": {
    "name": "name",
    "label": "text",
    "checked": "bool?"
  }
};
export const TONES: readonly string[] = ["neutral", "info", "good", "warn", "bad"];
export const MAX_NODES = 1000;
export const MAX_DEPTH = 12;
export const MAX_TEXT_CHARS = 5000;
export const MAX_LIST = 500;
export const MAX_COLUMNS = 20;
export const NAME = String.raw`[A-Za-z][A-Za-z0-9_]{0,63}`;
export const HANDLER = String.raw`[A-Za-z][A-Za-z0-9_.\-]{0,63}`;
