/** The networks of `fkd serve`, where this page comes from one. */

import type { Image, PhotoRecord } from "../src/index.js";
import type { Engine, Following, LiveRecord, Wanted } from "./engine.js";

const SERVER = new URL("../", document.baseURI);
const WIDEST_FRAME = 640;
const BUSY = 1000; // milliseconds after which a busy server is asked again

/** The server's engine; null on a page that only has files. */
export async function serverEngine(): Promise<Engine | null> {
  const info = await fetch(new URL("v1/model", SERVER)).then((answer) => (answer.ok ? answer.json() : null), () => null);
  return Array.isArray(info?.models) ? new ServerEngine(info.models) : null;
}

class ServerEngine implements Engine {
  readonly label = "the server";
  readonly promise = "68 facial keypoints, live. Pictures are sent only to this server, and it does not store them.";

  constructor(readonly models: readonly string[]) {}

  async notice(model: string): Promise<string | null> {
    const answer = await fetch(this.#address("v1/model", new URLSearchParams({ model })));
    return (await answer.json()).notice ?? null;
  }

  async photo(file: Blob, _name: string, _image: Image, wanted: Wanted): Promise<PhotoRecord> {
    let answer: Response;
    try {
      answer = await fetch(this.#address("v1/landmarks", query(wanted)), { method: "POST", body: file });
    } catch {
      throw new Error("the server does not respond");
    }
    const record = await answer.json();
    if (!answer.ok) throw new Error(record.error);
    return record;
  }

  async follow(wanted: Wanted): Promise<Following> {
    const address = this.#address("v1/stream", query(wanted));
    address.protocol = address.protocol.replace("http", "ws");
    address.searchParams.set("smooth", String(wanted.smooth));
    const socket = new WebSocket(address);
    const ended = new Promise<never>((_, reject) => {
      socket.onclose = ({ reason }) => reject(new Error(`the stream ended${reason ? `: ${reason}` : ""}`));
    });
    ended.catch(() => undefined); // said where a frame waits for it
    await Promise.race([new Promise((resolve) => (socket.onopen = resolve)), ended]);
    const small = document.createElement("canvas");
    const next = async (frame: HTMLCanvasElement, seconds: number): Promise<LiveRecord> => {
      small.width = Math.min(WIDEST_FRAME, frame.width);
      small.height = Math.round((small.width * frame.height) / frame.width);
      small.getContext("2d")!.drawImage(frame, 0, 0, small.width, small.height);
      const answered = new Promise<MessageEvent>((resolve) => (socket.onmessage = resolve));
      socket.send((await new Promise<Blob | null>((resolve) => small.toBlob(resolve, "image/jpeg", 0.85)))!);
      const record = JSON.parse((await Promise.race([answered, ended])).data);
      if (!record.error) return { ...record, seconds };
      await new Promise((resolve) => setTimeout(resolve, BUSY));
      return next(frame, seconds);
    };
    return { next, stop: () => socket.close() };
  }

  #address(path: string, search: URLSearchParams): URL {
    const address = new URL(path, SERVER);
    address.search = search.toString();
    return address;
  }
}

function query({ model, min_face }: Wanted): URLSearchParams {
  return new URLSearchParams(min_face === null ? { model } : { model, min_face: String(min_face) });
}
