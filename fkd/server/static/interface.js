"use strict";

function add(parent, tag, text) {
  return parent.appendChild(Object.assign(document.createElement(tag), { textContent: text }));
}

function showOperation(place, path, method, operation) {
  const box = add(place, "section", "");
  add(box, "h2", `${method.toUpperCase()} ${path}`);
  add(box, "p", operation.description || operation.summary);
  const parameters = (operation.parameters || []).map((p) => p.name).join(", ");
  if (parameters) add(box, "p", `Query: ${parameters}`);
  if (operation.requestBody) {
    const at = `${location.origin}${path}`;
    add(box, "pre", `curl --data-binary @photo.jpg ${at}\ncurl -F file=@photo.jpg ${at}`);
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    add(box, "p", `${status}: ${response.description}`);
    const example = response.content?.["application/json"]?.example;
    if (example) add(box, "pre", JSON.stringify(example, null, 1));
  }
}

async function start() {
  const place = document.getElementById("paths");
  const description = await (await fetch("/openapi.json")).json();
  for (const [path, methods] of Object.entries(description.paths)) {
    for (const [method, operation] of Object.entries(methods)) {
      showOperation(place, path, method, operation);
    }
  }
}

start().catch(() => add(document.getElementById("paths"), "p", "The server does not respond."));
