// The tests' page for <pysandbox-plugin>. Opened as element.html#token=…&sandbox=…&plugin=…
const asked = new URLSearchParams(location.hash.slice(1));
const origin = asked.get("sandbox");
const [{ openSandbox }] = await Promise.all([import(`${origin}/pysandbox.js`), import(`${origin}/pysandbox-element.js`)]);
const drawn = document.getElementById("drawn");
globalThis.told = [];
for (const name of ["drawn", "failed"]) drawn.addEventListener(name, ({ detail }) => told.push([name, detail]));
globalThis.sandbox = await openSandbox({ sessionToken: asked.get("token") });
drawn.payload = JSON.parse(asked.get("payload") ?? "null");
drawn.plugin = asked.get("plugin");
drawn.sandbox = sandbox;
