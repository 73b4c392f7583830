/** The built page in Debian's Chromium. */

import { execFileSync } from "node:child_process";
import { existsSync, mkdirSync, readFileSync, statSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { extname, join, normalize } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium, type BrowserContext, type Page } from "playwright-core";

export const PAGE = fileURLToPath(new URL("../site/", import.meta.url));
export const ANSWERS = fileURLToPath(new URL("../build/answers/", import.meta.url));
const SHOTS = fileURLToPath(new URL("../build/screenshots/", import.meta.url));
const BROWSER = execFileSync("which", [process.env.CHROMIUM ?? "chromium"]).toString().trim();
const KINDS: Record<string, string> = {
  ".html": "text/html", ".js": "text/javascript", ".css": "text/css", ".svg": "image/svg+xml", ".png": "image/png",
  ".webmanifest": "application/manifest+json", ".json": "application/json", ".wasm": "application/wasm",
};

/** A static server: files as they are, without compression or special headers. */
export interface Site {
  readonly address: string;
  /** Bytes of each file that was sent. */
  readonly sent: Map<string, number>;
  /** What becomes of a file before it is sent; null for nothing. */
  change: ((path: string, data: Buffer) => Buffer) | null;
  close(): Promise<void>;
}

export async function serveFolder(folder: string): Promise<Site> {
  const sent = new Map<string, number>();
  const server = createServer((request, response) => {
    const path = normalize(decodeURIComponent(new URL(request.url!, "http://x").pathname));
    const file = join(folder, path.endsWith("/") ? `${path}index.html` : path);
    if (!file.startsWith(folder) || !existsSync(file) || !statSync(file).isFile()) {
      response.writeHead(404).end();
      return;
    }
    const data = site.change?.(path, readFileSync(file)) ?? readFileSync(file);
    sent.set(path, (sent.get(path) ?? 0) + data.length);
    response.writeHead(200, { "content-type": KINDS[extname(file)] ?? "application/octet-stream" }).end(data);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  const site: Site = {
    address: `http://127.0.0.1:${port}/`,
    sent,
    change: null,
    close: () => new Promise((resolve) => (server.closeAllConnections(), server.close(() => resolve()))),
  };
  return site;
}

/** A browser with nothing in it, whose camera is the astronaut. */
export async function openBrowser(options: Parameters<typeof chromium.launchPersistentContext>[1] = {}, flags: string[] = []): Promise<BrowserContext> {
  return chromium.launchPersistentContext("", {
    executablePath: BROWSER,
    headless: true,
    viewport: { width: 1280, height: 800 },
    acceptDownloads: true,
    ...options,
    args: [
      ...["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"],
      ...["--disable-background-networking", "--disable-component-update", "--disable-sync"],
      "--use-fake-device-for-media-stream",
      `--use-file-for-fake-video-capture=${ANSWERS}camera.y4m`,
      ...flags,
    ],
  });
}

/** A page and what went wrong in it: failed scripts, errors in the console (a broken content policy
 * is one), requests to elsewhere. */
export async function openPage(context: BrowserContext, address: string): Promise<{ page: Page; wrong: string[] }> {
  const page = await context.newPage();
  const wrong: string[] = [];
  page.on("pageerror", (error) => wrong.push(String(error)));
  page.on("console", (message) => {
    if (message.type() === "error") wrong.push(message.text());
  });
  context.on("request", (request) => {
    if (!/^(blob:|data:)/.test(request.url()) && !request.url().startsWith(address)) wrong.push(request.url());
  });
  await page.addInitScript(`
    const make = URL.createObjectURL.bind(URL);
    URL.createObjectURL = (blob) => make((globalThis.lastSaved = blob));
  `);
  await page.goto(address);
  return { page, wrong };
}

/** Waits until the message under the picture is this. */
export async function message(page: Page, text: string | RegExp, timeout = 30_000): Promise<void> {
  await page.locator("#message").filter({ hasText: text }).waitFor({ timeout });
}

/** The JSON that the page saves now. Read where the page made it: Chromium loses some of many
 * downloads that follow each other within milliseconds. */
export async function savedJson<T>(page: Page): Promise<T> {
  await page.click("#save-json");
  return JSON.parse((await page.evaluate("lastSaved.text()")) as string) as T;
}

/** The file that a click downloads. */
export async function downloaded(page: Page, click: () => Promise<void>): Promise<{ name: string; data: Buffer }> {
  const [download] = await Promise.all([page.waitForEvent("download"), click()]);
  return { name: download.suggestedFilename(), data: readFileSync(await download.path()) };
}

/** What axe finds wrong for people who hear the page, or see it badly. */
export async function inaccessible(page: Page): Promise<string[]> {
  const session = await page.context().newCDPSession(page);
  await session.send("Page.setBypassCSP", { enabled: true });
  await page.evaluate(readFileSync(new URL("../node_modules/axe-core/axe.min.js", import.meta.url), "utf8"));
  const { violations } = (await page.evaluate("axe.run()")) as { violations: { id: string }[] };
  return violations.map(({ id }) => id);
}

export async function shot(page: Page, name: string): Promise<void> {
  mkdirSync(SHOTS, { recursive: true });
  await page.screenshot({ path: join(SHOTS, `${name}.png`) });
}
