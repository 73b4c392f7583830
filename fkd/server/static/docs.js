"use strict";

function add(parent, tag, text) {
  return parent.appendChild(Object.assign(document.createElement(tag), { textContent: text }));
}

/* Names and what they mean, of parameters or of a schema's properties. */
function addMeanings(place, entries) {
  const list = add(place, "ul", "");
  for (const [name, meaning] of entries) add(list, "li", `${name}: ${meaning}`);
}

/* The properties of an answer, and of the objects in its lists. */
function addSchema(place, schema, schemas) {
  const named = (ref) => schemas[ref?.split("/").at(-1)];
  const shown = named(schema?.$ref);
  if (!shown) return;
  const properties = Object.entries(shown.properties);
  addMeanings(place, properties.map(([name, p]) => [name, p.description ?? named(p.items?.$ref)?.description ?? p.type]));
  for (const [name, property] of properties.filter(([, p]) => named(p.items?.$ref))) {
    add(place, "p", `Each of ${name}:`);
    addSchema(place, property.items, schemas);
  }
}

function showOperation(place, path, method, operation, schemas) {
  const box = add(place, "section", "");
  add(box, "h2", `${method.toUpperCase()} ${path}`);
  add(box, "p", operation.description || operation.summary);
  if (operation.parameters) {
    add(box, "p", "Query:");
    addMeanings(box, operation.parameters.map((p) => [p.name, p.description]));
  }
  if (operation.requestBody) {
    const at = new URL(path.slice(1), location.href);
    add(box, "pre", `curl --data-binary @photo.jpg ${at}\ncurl -F file=@photo.jpg ${at}`);
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    add(box, "p", `${status}: ${response.description}`);
    const content = response.content?.["application/json"];
    if (content?.example) add(box, "pre", JSON.stringify(content.example, null, 1));
    if (status === "200") addSchema(box, content?.schema, schemas);
  }
}

async function start() {
  const place = document.getElementById("paths");
  const { paths, components } = await (await fetch("openapi.json")).json();
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      showOperation(place, path, method, operation, components.schemas);
    }
  }
}

start().catch(() => add(document.getElementById("paths"), "p", "The server does not respond."));
