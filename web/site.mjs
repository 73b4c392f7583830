/** The page as a static folder, site/, that any web server can show. */

import { cpSync, rmSync } from "node:fs";

const SERVER = "../fkd/server";
rmSync("site", { recursive: true, force: true });
cpSync(`${SERVER}/page`, "site", { recursive: true, filter: (name) => !/docs\.\w+$/.test(name) }); // a server's
cpSync(`${SERVER}/device`, "site/device", { recursive: true });
cpSync(`${SERVER}/device/sw.js`, "site/sw.js"); // whose place says which pages are its
rmSync("site/device/sw.js");
for (const name of ["nano", "base", "detector"]) {
  cpSync(`../fkd/models/weights/${name}.onnx`, `site/weights/${name}.onnx`);
}
