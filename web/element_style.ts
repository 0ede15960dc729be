/** The style of `<pysandbox-plugin>`. A page themes it by the `--pysandbox-…` properties, and by `::part(KIND)`. */
export const STYLE = `
:host { display: block; color: var(--pysandbox-ink, light-dark(#1b1f24, #e6e9ee));
  font: var(--pysandbox-font, 0.9375rem/1.45 system-ui, sans-serif);
  --ink: var(--pysandbox-ink, light-dark(#1b1f24, #e6e9ee)); --muted: var(--pysandbox-muted, light-dark(#57606a, #a3adb8));
  --line: var(--pysandbox-line, light-dark(#8c959f, #6e7681)); --surface: var(--pysandbox-surface, light-dark(#fff, #161b22));
  --accent: var(--pysandbox-accent, light-dark(#0b5cad, #6cb2ff)); --good: var(--pysandbox-good, light-dark(#116329, #56d364));
  --warn: var(--pysandbox-warn, light-dark(#7a4b00, #e3b341)); --bad: var(--pysandbox-bad, light-dark(#b3261e, #ff8a80));
  --gap: var(--pysandbox-gap, 0.75rem); --radius: var(--pysandbox-radius, 0.375rem); overflow-wrap: anywhere; }
:host([hidden]) { display: none; }
* { box-sizing: border-box; }
[aria-busy="true"] { opacity: 0.6; }
h2, h3, h4, h5, h6, p, ul, dl, dd { margin: 0; }
h2 { font-size: 1.125em; } h3, h4, h5, h6 { font-size: 1em; }
ul { padding-inline-start: 1.25rem; }
.column { display: flex; flex-direction: column; gap: var(--gap); align-items: stretch; }
.row { display: flex; flex-wrap: wrap; gap: var(--gap); align-items: center; }
.card { display: flex; flex-direction: column; gap: var(--gap); padding: var(--gap); background: var(--surface);
  border: 1px solid var(--line); border-radius: var(--radius); }
.badge { display: inline-block; align-self: start; padding: 0 0.5em; border: 1px solid currentColor; border-radius: 1em; font-size: 0.875em; }
.metric dt { color: var(--muted); font-size: 0.875em; }
.metric dd { font-size: 1.5em; font-variant-numeric: tabular-nums; }
.info { color: var(--accent); } .good { color: var(--good); } .warn { color: var(--warn); } .bad { color: var(--bad); }
.meter { display: grid; grid-template-columns: minmax(6rem, auto) 1fr auto; gap: 0.5rem; align-items: center; }
progress { width: 100%; min-width: 4rem; accent-color: var(--accent); }
.wide { overflow-x: auto; }
table { border-collapse: collapse; width: 100%; }
caption { text-align: start; color: var(--muted); }
th, td { text-align: start; padding: 0.25rem 0.5rem 0.25rem 0; border-block-end: 1px solid var(--line); vertical-align: top; overflow-wrap: normal; }
.field { display: flex; flex-direction: column; gap: 0.25rem; }
.check { display: flex; gap: 0.5rem; align-items: center; }
input, select, textarea, button { font: inherit; color: inherit; }
input:not([type="checkbox"]), select, textarea { width: 100%; padding: 0.375rem 0.5rem; background: var(--surface);
  border: 1px solid var(--line); border-radius: var(--radius); }
textarea { min-height: 4.5em; resize: vertical; }
button { align-self: start; padding: 0.375rem 0.875rem; cursor: pointer; background: var(--surface); color: var(--accent);
  border: 1px solid currentColor; border-radius: var(--radius); }
button[type="submit"] { background: var(--accent); color: var(--pysandbox-on-accent, light-dark(#fff, #0d1117)); border-color: var(--accent); }
button.good { color: var(--good); } button.warn { color: var(--warn); } button.bad { color: var(--bad); }
:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.failure { display: flex; flex-wrap: wrap; gap: var(--gap); align-items: center; padding: var(--gap); margin-block-end: var(--gap);
  color: var(--bad); border: 1px solid currentColor; border-radius: var(--radius); }
.failure[hidden] { display: none; }
.said { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
`;
