/** The page: from page/ to fkd/server/page/, which is in the repository so that nobody needs Node to
 * use it. With `--mode device`, what computes in the browser: to fkd/server/device/, which is not. */

import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { gzipSync } from "node:zlib";
import type { Plugin, UserConfig } from "vite";
import { defineConfig } from "vitest/config";

const PAGE = "../fkd/server/page/";
const RUNTIME = "node_modules/onnxruntime-web/dist/ort-wasm-simd-threaded.wasm";
const SOURCES = ["page", "src", "package-lock.json", "tsconfig.json", "vite.config.ts"];

function sha256(...parts: (string | Buffer)[]): string {
  const hash = createHash("sha256");
  for (const part of parts) hash.update(part);
  return hash.digest("hex").slice(0, 12);
}

function filesIn(place: string): string[] {
  if (place.includes(".")) return [place];
  return readdirSync(place, { withFileTypes: true }).flatMap(({ name }) => filesIn(`${place}/${name}`));
}

/** Of what the page is built; tests/test_server_page.py reckons it again, without Node. */
const BUILD = sha256(...SOURCES.flatMap(filesIn).sort().flatMap((file) => [`${file}\n`, readFileSync(file)]));

/** The page's files have the same names in every build, so their addresses say which it is. */
function buildInAddresses(): Plugin {
  return {
    name: "build-in-addresses",
    transformIndexHtml: {
      order: "post",
      handler: (html) => html.replace(/"(\.\/\w+\.(?:js|css))"/g, `"$1?build=${BUILD}"`),
    },
  };
}

const page: UserConfig = {
  define: { BUILD: JSON.stringify(BUILD) },
  plugins: [buildInAddresses()],
  build: {
    outDir: `../${PAGE}`, emptyOutDir: true, assetsInlineLimit: 0, target: "es2022",
    minify: false, cssCodeSplit: false, modulePreload: { polyfill: false },
    rolldownOptions: {
      input: { page: "page/index.html", docs: "page/docs.html" },
      output: { entryFileNames: "[name].js", assetFileNames: "[name][extname]" },
    },
  },
};

/** onnxruntime's .wasm file, compressed here, because not every server compresses; its name says
 * nothing that would make a server or browser unpack it. Its script names the plain file, which would
 * be copied though it is never loaded. */
function runtime(fileName: string): Plugin {
  return {
    name: "runtime",
    generateBundle(_, bundle) {
      for (const name of Object.keys(bundle)) if (name.endsWith(".wasm")) delete bundle[name];
      this.emitFile({ type: "asset", fileName, source: gzipSync(readFileSync(RUNTIME), { level: 9 }) });
    },
  };
}

/** sw.js, which knows the files of this build. */
function serviceWorker(worker: string, large: string[]): Plugin {
  return {
    name: "service-worker",
    generateBundle() {
      const page = readdirSync(PAGE).filter((name) => !name.startsWith("docs."));
      const names = page.map((name) => (/\.(js|css)$/.test(name) ? `${name}?build=${BUILD}` : name));
      const files = [...names.map((name) => (name === "index.html" ? "./" : name)), `device/${worker}`];
      const source = readFileSync("page/service_worker.js", "utf8")
        .replace("BUILD_OF_PAGE", BUILD)
        .replace('["FILES_OF_PAGE"]', JSON.stringify(files))
        .replace('["LARGE_FILES_OF_PAGE"]', JSON.stringify(large));
      this.emitFile({ type: "asset", fileName: "sw.js", source });
    },
  };
}

function device(): UserConfig {
  const { version } = JSON.parse(readFileSync("node_modules/onnxruntime-web/package.json", "utf8"));
  const [worker, packed] = [`worker-${BUILD}.js`, `onnxruntime-${version}.bin`];
  const weights = Object.fromEntries(["nano", "base", "detector"].map((name) => {
    const file = `weights/${name}.onnx`;
    return [name, `${file}?${sha256(readFileSync(`../fkd/models/${file}`))}`];
  }));
  const large = [...Object.values(weights), `device/${packed}`];
  return {
    publicDir: false,
    define: { WEIGHTS: JSON.stringify(weights), RUNTIME: JSON.stringify(`device/${packed}`) },
    plugins: [runtime(packed), serviceWorker(worker, large)],
    build: {
      outDir: "../../fkd/server/device", emptyOutDir: true, target: "es2022", modulePreload: false,
      // onnxruntime's licence is kept in what is passed on.
      rolldownOptions: { input: "page/worker.ts", output: { entryFileNames: worker, comments: { legal: true } } },
    },
  };
}

export default defineConfig(({ mode }) => ({
  root: "page",
  base: "./",
  ...(mode === "device" ? device() : page),
  test: { root: ".", include: ["tests/*.test.ts", "browser/*.test.ts"], testTimeout: 90_000, hookTimeout: 90_000, fileParallelism: false, expect: { poll: { timeout: 30_000 } } },
}));
