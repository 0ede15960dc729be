/** Holds what a plugin sent as its drawing against the closed set of components, before anything of it is shown. */
import { SandboxError } from "./sandbox_error.ts";
import { COMPONENTS, HANDLER, MAX_COLUMNS, MAX_DEPTH, MAX_LIST, MAX_NODES, MAX_TEXT_CHARS, NAME, TONES } from "./ui.gen.ts";

// deno-lint-ignore no-explicit-any
export type Node = { kind: string } & Record<string, any>;

const RULES: Record<string, (told: unknown) => boolean> = {
  text: isText,
  tone: (told) => TONES.includes(told as string),
  bool: (told) => typeof told === "boolean",
  number: Number.isFinite,
  share: (told) => Number.isFinite(told) && (told as number) >= 0 && (told as number) <= 1,
  name: (told) => typeof told === "string" && new RegExp(`^(?:${NAME})$`).test(told),
  handler: (told) => typeof told === "string" && new RegExp(`^(?:${HANDLER})$`).test(told),
  json: () => true,
  texts: (told) => areTexts(told, MAX_LIST),
  rows: (told) => isList(told, MAX_LIST) && told.every((row) => areTexts(row, MAX_COLUMNS)),
  options: (told) => isList(told, MAX_LIST) && told.every((option) => areTexts(option, 2) && option.length === 2),
};

/** The tree, if it is one. Throws `SandboxError` `UI_INVALID` that names the place. */
export function checked(tree: unknown): Node {
  let nodes = 0;
  const look = (told: unknown, path: string, depth: number) => {
    if (typeof told !== "object" || told === null || Array.isArray(told)) throw invalid(path, "is no component");
    const node = told as Node;
    if (typeof node.kind !== "string" || !Object.hasOwn(COMPONENTS, node.kind)) throw invalid(`${path}.kind`, "is not known");
    if (++nodes > MAX_NODES || depth > MAX_DEPTH) throw invalid(path, "is too much");
    const known = COMPONENTS[node.kind];
    for (const name of Object.keys(node)) {
      if (name !== "kind" && !Object.hasOwn(known, name)) throw invalid(`${path}.${name.slice(0, 64)}`, `is nothing that a ${node.kind} has`);
    }
    for (const [name, type] of Object.entries(known)) {
      const at = `${path}.${name}`;
      if (!Object.hasOwn(node, name)) {
        if (!type.endsWith("?")) throw invalid(at, "is missing");
      } else if (type === "nodes") {
        const children: unknown = node[name];
        if (!isList(children, MAX_NODES)) throw invalid(at, "is no list of components");
        children.forEach((child, index) => look(child, `${at}[${index}]`, depth + 1));
      } else if (!RULES[type.replace("?", "")](node[name])) throw invalid(at, `is no ${type.replace("?", "")}`);
    }
  };
  look(tree, "$", 1);
  return tree as Node;
}

/** Counted in code points, as Python does. */
function isText(told: unknown): told is string {
  if (typeof told !== "string" || told.length > 2 * MAX_TEXT_CHARS) return false;
  return told.length <= MAX_TEXT_CHARS || [...told].length <= MAX_TEXT_CHARS;
}

function isList(told: unknown, most: number): told is unknown[] {
  return Array.isArray(told) && told.length <= most;
}

function areTexts(told: unknown, most: number): told is string[] {
  return isList(told, most) && told.every(isText);
}

function invalid(path: string, problem: string): SandboxError {
  return new SandboxError("UI_INVALID", `the plugin's drawing cannot be shown: ${path} ${problem}`);
}
