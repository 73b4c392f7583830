/** The page from `fkd serve`, whose networks it may use instead of its own. */

import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import type { BrowserContext, Page } from "playwright-core";
import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "vitest";
import type { LiveRecord } from "../page/engine.js";
import type { PhotoRecord } from "../src/index.js";
import { ANSWERS, message, openBrowser, openPage, savedJson, shot } from "./chromium.js";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));
const ASTRONAUT = join(ANSWERS, "astronaut.png");

let server: ChildProcess, address: string;
let context: BrowserContext, page: Page, wrong: string[];

beforeAll(async () => {
  server = spawn("python", ["-m", "fkd", "serve", "--port", "0"], { cwd: PROJECT, stdio: ["ignore", "pipe", "inherit"] });
  const [line] = await once(server.stdout!, "data");
  address = /http:\S+\//.exec(String(line).replace(",", "/"))![0];
});
afterAll(async () => {
  server.kill();
  await once(server, "exit");
});
beforeEach(async () => {
  context = await openBrowser({ permissions: ["camera"] });
  ({ page, wrong } = await openPage(context, `${address}live/`));
  await page.locator("#engine-choice").waitFor();
});
afterEach(async () => {
  await context.close();
  expect(wrong.filter((line) => !line.startsWith(address))).toEqual([]); // nor its content policy
});

test("photos are answered on this device, and by the server where it is chosen", async () => {
  await page.setInputFiles("#file", ASTRONAUT);
  await message(page, "1 face");
  expect(await savedJson<PhotoRecord>(page)).toMatchObject({ image: "astronaut.png", model: "nano" });
  await page.selectOption("#engine", "the server");
  await expect.poll(async () => (await savedJson<PhotoRecord>(page)).image).toBe("body");
  expect(await page.innerText("#promise")).toContain("sent only to this server");
  await page.selectOption("#model", "research");
  await expect.poll(() => page.innerText("#licence")).toContain("research use only");
  await expect.poll(async () => (await savedJson<PhotoRecord>(page)).model).toBe("research");
  await shot(page, "server");
});

test("the camera is followed by the server", async () => {
  await page.selectOption("#engine", "the server");
  await page.click("#camera");
  await message(page, "1 face");
  expect((await savedJson<LiveRecord>(page)).faces[0]!.id).toBe(1);
  expect(await page.locator("#figures dt").allInnerTexts()).toEqual(["frames per second", "decode", "track"]);
  await page.selectOption("#engine", "this device");
  await expect.poll(() => page.locator("#figures dt").allInnerTexts()).toContain("points");
});
