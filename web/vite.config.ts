/** The page: from page/ to fkd/server/live/, a static folder, which `fkd serve` serves too. */

import { createHash } from "node:crypto";
import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Plugin } from "vite";
import { defineConfig } from "vitest/config";

const WASM = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";
// Compressed here, because not every server compresses; its name says nothing that would make a
// server or browser unpack it.
const RUNTIME = "build/onnxruntime.bin";
// What the service worker does not keep beforehand: loaded by the page, which keeps it.
const LARGE = /\.(onnx|bin)$/;

/** onnxruntime's script names its .wasm file, which would be copied though it is never loaded. */
function withoutPlainRuntime(): Plugin {
  return {
    name: "without-plain-runtime",
    generateBundle(_, bundle) {
      for (const name of Object.keys(bundle)) if (name.endsWith(".wasm")) delete bundle[name];
    },
  };
}

/** sw.js, which knows the files of this build. */
function serviceWorker(): Plugin {
  return {
    name: "service-worker",
    apply: "build",
    generateBundle(_, bundle) {
      const names = Object.keys(bundle).filter((name) => !name.endsWith(".map"));
      const files = ["./", "manifest.webmanifest", "icon-192.png", "icon-512.png", ...names];
      const small = files.filter((name) => !LARGE.test(name) && name !== "index.html");
      const page = Object.values(bundle).map((one) => ("code" in one ? one.code : one.source));
      const version = createHash("sha256").update(page.join("")).digest("hex").slice(0, 12);
      const source = readFileSync("page/service_worker.js", "utf8")
        .replace("VERSION_OF_BUILD", version)
        .replace('["FILES_OF_BUILD"]', JSON.stringify(small))
        .replace('["LARGE_FILES_OF_BUILD"]', JSON.stringify(files.filter((name) => LARGE.test(name))));
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}

export default defineConfig(({ command }) => {
  if (command === "build") {
    mkdirSync("build", { recursive: true });
    writeFileSync(RUNTIME, gzipSync(readFileSync(WASM), { level: 9 }));
  }
  return {
    root: "page",
    base: "./",
    build: {
      outDir: "../../fkd/server/live", emptyOutDir: true, assetsInlineLimit: 0, target: "es2022",
      modulePreload: { polyfill: false },
    },
    worker: { format: "es", plugins: () => [withoutPlainRuntime()] },
    plugins: [withoutPlainRuntime(), serviceWorker()],
    server: { fs: { allow: [".."] } },
    assetsInclude: ["**/*.onnx", "**/*.bin"],
    test: { root: ".", include: ["tests/*.test.ts", "browser/*.test.ts"], testTimeout: 90_000, hookTimeout: 90_000, fileParallelism: false },
  };
});
