/** `fkd serve`, and a proxy before it. */

import { spawn } from "node:child_process";
import { once } from "node:events";
import { createServer, request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { fileURLToPath } from "node:url";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const WITHOUT_DEVICE = `
from pathlib import Path
from fkd.cli import app
from fkd.server import site
site.DEVICE = Path("missing")
app()
`;

export interface Server {
  readonly address: string;
  readonly port: number;
  stop(): Promise<void>;
}

/** A server once it listens. device: whether it has what computes in the browser. */
export async function serve({ device, options = [] }: { device: boolean; options?: string[] }): Promise<Server> {
  const program = device ? ["-m", "fkd"] : ["-c", WITHOUT_DEVICE];
  const running = spawn("python", [...program, "serve", "--port", "0", ...options], { cwd: PROJECT, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(running.stdout, "data");
  const port = Number(/:(\d+)/.exec(String(line).slice("fkd: http:".length))![1]);
  return {
    address: `http://127.0.0.1:${port}/`,
    port,
    stop: async () => {
      running.kill();
      await once(running, "exit");
    },
  };
}

/** A proxy that shows a server below a path, which it takes from the requests that it passes on. */
export async function strippingProxy(path: string, port: number): Promise<{ address: string; close(): Promise<void> }> {
  const passOn = ({ method, url, headers }: IncomingMessage) =>
    request({ port, host: "127.0.0.1", method, headers, path: url!.slice(path.length) });
  const proxy = createServer((asked, answer) => {
    if (!asked.url!.startsWith(`${path}/`)) return void answer.writeHead(404).end();
    const passed = passOn(asked).on("response", (from) => {
      answer.writeHead(from.statusCode!, from.headers);
      from.pipe(answer);
    });
    asked.pipe(passed);
  });
  proxy.on("upgrade", (asked, client) => {
    const passed = passOn(asked).on("upgrade", (from, server) => {
      const headers = Object.entries(from.headers).map(([name, value]) => `${name}: ${value}\r\n`);
      client.write(`HTTP/1.1 101 Switching Protocols\r\n${headers.join("")}\r\n`);
      for (const [one, other] of [[client, server], [server, client]] as const) {
        one.pipe(other);
        one.on("error", () => other.destroy());
      }
    });
    passed.end();
  });
  await new Promise<void>((resolve) => proxy.listen(0, "127.0.0.1", resolve));
  return {
    address: `http://127.0.0.1:${(proxy.address() as AddressInfo).port}`,
    close: () => new Promise((resolve) => (proxy.closeAllConnections(), proxy.close(() => resolve()))),
  };
}
