/** Draws a checked tree with elements of its own; whatever a plugin wrote becomes text, never markup. */
import type { Node } from "./ui_check.ts";

export type Values = Record<string, string | number | boolean | null>;

/** What a button or a form asks for. */
export type Act = (handler: string, payload: unknown, values: Values) => void;

/** Where a component is drawn. */
interface Place {
  act: Act;
  /** Of the next heading, 2 to 6. */
  level: number;
  /** The fields of the form around it: how each is read. */
  fields: Map<string, () => string | number | boolean | null>;
}

type Draw = (node: Node, place: Place) => HTMLElement;

const LOWEST = 6;
let ids = 0;

export function render(tree: Node, act: Act): HTMLElement {
  return draw(tree, { act, level: 2, fields: new Map() });
}

function draw(node: Node, place: Place): HTMLElement {
  const element = DRAWN[node.kind](node, place);
  element.part.add(node.kind);
  return element;
}

const DRAWN: Record<string, Draw> = {
  column: (node, place) => el("div", { class: "column" }, ...children(node, place)),
  row: (node, place) => el("div", { class: "row" }, ...children(node, place)),
  card: (node, place) => {
    const title = titled(node.title, place);
    title.id = `t${++ids}`;
    const inner = { ...place, level: Math.min(LOWEST, place.level + 1) };
    return el("section", { class: "card", "aria-labelledby": title.id }, title, ...children(node, inner));
  },
  heading: (node, place) => titled(node.text, place),
  text: (node) => el("p", { class: toned(node) }, node.text),
  badge: (node) => el("span", { class: `badge ${toned(node)}` }, node.text),
  metric: (node) => el("dl", { class: `metric ${toned(node)}` }, el("dt", {}, node.label), el("dd", {}, node.value)),
  meter: (node) => {
    const said = `${Math.round(node.share * 100)} %`;
    const bar = el("progress", { max: "1", value: String(node.share) });
    return el("label", { class: "meter" }, el("span", {}, node.label), bar, el("b", {}, said));
  },
  items: (node) => el("ul", {}, ...node.items.map((item: string) => el("li", {}, item))),
  table: (node) => {
    const head = el("tr", {}, ...node.columns.map((name: string) => el("th", { scope: "col" }, name)));
    const rows = node.rows.map((row: string[]) => el("tr", {}, ...row.map((cell) => el("td", {}, cell))));
    const table = el("table", {}, el("caption", {}, node.caption), el("thead", {}, head), el("tbody", {}, ...rows));
    return el("div", { class: "wide", tabindex: "0", role: "region", "aria-label": node.caption }, table);
  },
  button: (node, place) => {
    const button = el("button", { type: "button", class: toned(node) }, node.text);
    button.addEventListener("click", () => place.act(node.invoke, node.payload ?? null, values(place)));
    return button;
  },
  form: (node, place) => {
    const inner: Place = { ...place, fields: new Map() };
    const form = el("form", { class: "column" }, ...children(node, inner), el("button", { type: "submit" }, node.submit));
    form.addEventListener("submit", (event) => {
      event.preventDefault();
      place.act(node.invoke, node.payload ?? null, values(inner));
    });
    return form;
  },
  text_field: (node, place) => {
    const field = el(node.multiline ? "textarea" : "input", {}) as HTMLInputElement | HTMLTextAreaElement;
    field.value = node.value ?? "";
    field.required = node.required ?? false;
    return labelled(node, place, field, () => field.value);
  },
  number_field: (node, place) => {
    const field = el("input", { type: "number", step: "any" }) as HTMLInputElement;
    for (const [name, value] of Object.entries({ value: node.value, min: node.least, max: node.most })) {
      if (value !== undefined) field.setAttribute(name, String(value));
    }
    field.required = node.required ?? false;
    return labelled(node, place, field, () => field.value === "" ? null : field.valueAsNumber);
  },
  choice: (node, place) => {
    const options = node.options.map(([value, label]: [string, string]) => el("option", { value }, label));
    const field = el("select", {}, ...options) as HTMLSelectElement;
    if (node.value !== undefined) field.value = node.value;
    return labelled(node, place, field, () => field.value);
  },
  checkbox: (node, place) => {
    const field = el("input", { type: "checkbox" }) as HTMLInputElement;
    field.checked = node.checked ?? false;
    place.fields.set(node.name, () => field.checked);
    return el("label", { class: "check" }, field, el("span", {}, node.label));
  },
};

function children(node: Node, place: Place): HTMLElement[] {
  return node.children.map((child: Node) => draw(child, place));
}

function titled(text: string, place: Place): HTMLElement {
  return el(`h${place.level}`, {}, text);
}

function toned(node: Node): string {
  return node.tone ?? "neutral";
}

function labelled(node: Node, place: Place, field: HTMLElement, read: () => string | number | null): HTMLElement {
  field.setAttribute("name", node.name);
  place.fields.set(node.name, read);
  return el("label", { class: "field" }, el("span", {}, node.label), field);
}

function values(place: Place): Values {
  const found = [...place.fields].map(([name, read]) => [name, read()]);
  return Object.fromEntries(found);
}

/** Text children become text nodes. */
export function el(name: string, attributes: Record<string, string>, ...inner: (HTMLElement | string)[]): HTMLElement {
  const element = document.createElement(name);
  for (const [key, value] of Object.entries(attributes)) element.setAttribute(key, value);
  element.append(...inner);
  return element;
}
