/** Puts the weights beside the compiled library, so that `npm pack` takes both. */

import { cpSync, mkdirSync } from "node:fs";

mkdirSync("weights", { recursive: true });
for (const name of ["nano", "base", "detector"]) {
  cpSync(`../fkd/models/weights/${name}.onnx`, `weights/${name}.onnx`);
}
