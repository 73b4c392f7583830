/** The page that shows a server's description of its requests, openapi.json. */

interface Schema {
  $ref?: string;
  type?: string;
  description?: string;
  items?: Schema;
  properties?: Record<string, Schema>;
}

interface Operation {
  summary: string;
  description?: string;
  parameters?: { name: string; description: string }[];
  requestBody?: unknown;
  responses: Record<string, { description: string; content?: Record<string, { example?: unknown; schema?: Schema }> }>;
}

interface Description {
  paths: Record<string, Record<string, Operation>>;
  components: { schemas: Record<string, Schema> };
}

const place = document.getElementById("paths")!;

function add(parent: HTMLElement, tag: string, text: string): HTMLElement {
  return parent.appendChild(Object.assign(document.createElement(tag), { textContent: text }));
}

/** What may be wider than the screen, so that the keyboard must reach it. */
function addCode(parent: HTMLElement, text: string): void {
  add(parent, "pre", text).tabIndex = 0;
}

/** Names and what they mean, of parameters or of a schema's properties. */
function addMeanings(parent: HTMLElement, entries: [string, string | undefined][]): void {
  const list = add(parent, "ul", "");
  for (const [name, meaning] of entries) add(list, "li", `${name}: ${meaning}`);
}

/** The properties of an answer, and of the objects in its lists. */
function addSchema(parent: HTMLElement, schema: Schema | undefined, schemas: Record<string, Schema>): void {
  const named = (of: Schema | undefined) => schemas[of?.$ref?.split("/").at(-1) ?? ""];
  const properties = Object.entries(named(schema)?.properties ?? {});
  if (!properties.length) return;
  addMeanings(parent, properties.map(([name, of]) => [name, of.description ?? named(of.items)?.description ?? of.type]));
  for (const [name, { items }] of properties) {
    if (!named(items)) continue;
    add(parent, "p", `Each of ${name}:`);
    addSchema(parent, items, schemas);
  }
}

function showOperation(path: string, method: string, operation: Operation, schemas: Record<string, Schema>): void {
  const box = add(place, "section", "");
  add(box, "h2", `${method.toUpperCase()} ${path}`);
  add(box, "p", operation.description || operation.summary);
  if (operation.parameters) {
    add(box, "p", "Query:");
    addMeanings(box, operation.parameters.map(({ name, description }) => [name, description]));
  }
  if (operation.requestBody) {
    const at = new URL(path.slice(1), location.href);
    addCode(box, `curl --data-binary @photo.jpg ${at}\ncurl -F file=@photo.jpg ${at}`);
  }
  for (const [status, response] of Object.entries(operation.responses)) {
    add(box, "p", `${status}: ${response.description}`);
    const content = response.content?.["application/json"];
    if (content?.example) addCode(box, JSON.stringify(content.example, null, 1));
    if (status === "200") addSchema(box, content?.schema, schemas);
  }
}

async function start(): Promise<void> {
  const { paths, components } = (await (await fetch("openapi.json")).json()) as Description;
  for (const [path, methods] of Object.entries(paths)) {
    for (const [method, operation] of Object.entries(methods)) showOperation(path, method, operation, components.schemas);
  }
}

start().catch(() => add(place, "p", "The server does not respond."));
