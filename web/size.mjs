/** What a visitor of the page loads. */

import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";

const PAGE = "site/";
const ON_DEMAND = /base\.onnx$/;
const names = readdirSync(PAGE, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile())
  .map((entry) => `${entry.parentPath}/${entry.name}`.slice(PAGE.length).replace(/^\//, ""));
let [first, packed] = [0, 0];
for (const name of names.sort()) {
  const data = readFileSync(PAGE + name);
  const zipped = gzipSync(data).length;
  console.log(`${String(data.length).padStart(9)}  gzip ${String(zipped).padStart(9)}  ${name}`);
  if (ON_DEMAND.test(name)) continue;
  first += data.length;
  packed += zipped;
}
console.log(`${(first / 1e6).toFixed(2)} MB with nano (${(packed / 1e6).toFixed(2)} where the server compresses); base on demand`);
