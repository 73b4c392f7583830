/** The networks of `fkd serve`, where this page comes from one. */

import type { PhotoRecord } from "../src/index.js";
import type { Engine, Following, LiveRecord, Refused, Wanted } from "./engine.js";

const WIDEST_FRAME = 640;
const PATIENCE = 5000; // milliseconds
const SILENT = new Error("the server does not respond");

export class ServerEngine implements Engine {
  readonly label = "the server";
  readonly promise = "68 facial keypoints, live. Pictures are sent only to this server, and it does not store them.";

  private constructor(readonly models: readonly string[]) {}

  /** The server that this page comes from. Rejects where it does not respond. */
  static async find(): Promise<ServerEngine> {
    const { models } = await asked(fetch(address("v1/model"), { signal: AbortSignal.timeout(PATIENCE) }));
    return new ServerEngine(models);
  }

  async notice(model: string): Promise<string | null> {
    return (await asked(fetch(address("v1/model", { model })))).notice;
  }

  photo(file: Blob, _name: string, _picture: unknown, wanted: Wanted): Promise<PhotoRecord> {
    return asked(fetch(address("v1/landmarks", query(wanted)), { method: "POST", body: file }));
  }

  async follow(wanted: Wanted): Promise<Following> {
    const stream = address("v1/stream", { ...query(wanted), smooth: String(wanted.smooth) });
    stream.protocol = stream.protocol.replace("http", "ws");
    const socket = new WebSocket(stream);
    await new Promise((resolve, reject) => {
      socket.onopen = resolve;
      socket.onclose = () => reject(SILENT);
    });
    const ended = new Promise<never>((_, reject) => {
      socket.onclose = ({ reason }) => reject(new Error(`the stream ended${reason ? `: ${reason}` : ""}`));
    });
    ended.catch(() => undefined); // said where a frame waits for it
    const small = document.createElement("canvas");
    const next = async (frame: HTMLCanvasElement, seconds: number): Promise<LiveRecord | Refused> => {
      small.width = Math.min(WIDEST_FRAME, frame.width);
      small.height = Math.round((small.width * frame.height) / frame.width);
      small.getContext("2d")!.drawImage(frame, 0, 0, small.width, small.height);
      const answer = new Promise<MessageEvent>((resolve) => (socket.onmessage = resolve));
      socket.send((await new Promise<Blob | null>((resolve) => small.toBlob(resolve, "image/jpeg", 0.85)))!);
      return { seconds, ...JSON.parse((await Promise.race([answer, ended])).data) };
    };
    return { next, stop: () => socket.close() };
  }
}

function address(path: string, search: Record<string, string> = {}): URL {
  const full = new URL(path, document.baseURI);
  full.search = new URLSearchParams(search).toString();
  return full;
}

function query({ model, min_face }: Wanted): Record<string, string> {
  return min_face === null ? { model } : { model, min_face: String(min_face) };
}

/** The JSON that the server answers; its refusal, in its own sentence, as an Error. */
async function asked(answering: Promise<Response>) {
  const answer = await answering.catch(() => Promise.reject(SILENT));
  // A proxy before a server that is away answers in HTML.
  const record = await answer.json().catch(() => Promise.reject(SILENT));
  if (!answer.ok) throw new Error(record.error);
  return record;
}
