import assert from "node:assert/strict";
import type { ServerResponse } from "node:http";
import { afterEach, beforeEach } from "node:test";
import { createChatFetch, type ChatFetchOptions } from "chatkit-lambda-web";
import { ChatServer, type Received } from "./server.js";

export type Fetch = ReturnType<typeof createChatFetch>;

/** What a test works with: the server, a fetch for it, and what that really sent, noted as it was sent. */
export class Chat {
  readonly sent: { input: RequestInfo | URL; init: RequestInit | undefined }[] = [];
  readonly fetch: Fetch;
  tokens = 0;

  constructor(
    readonly server: ChatServer,
    options: Partial<ChatFetchOptions> = {},
  ) {
    this.fetch = createChatFetch({
      url: server.endpoint,
      token: () => `token-${++this.tokens}`,
      fetch: (input, init) => {
        this.sent.push({ input, init });
        return fetch(input, init);
      },
      ...options,
    });
  }

  /** Post a request of ChatKit's; `words` tell it from others. */
  post(type = "threads.add_user_message", signal?: AbortSignal, words = "Hello"): Promise<Response> {
    const body = JSON.stringify({ type, words });
    const init = { method: "POST", headers: { "content-type": "application/json" }, body };
    return this.fetch(this.server.endpoint, signal ? { ...init, signal } : init);
  }

  /** Post a message, have it answered and read the answer, however it ends; gives the run that the request named. */
  async run(answer: Answer, words?: string): Promise<string> {
    const answered = this.post("threads.add_user_message", undefined, words);
    return this.finish(answered, answer);
  }

  /** The same for a request that was posted already. */
  async finish(answered: Promise<Response>, answer: Answer): Promise<string> {
    const request = await this.server.next();
    const read = answered.then((response) => response.text()).catch(() => undefined);
    answer(request.answer);
    await read;
    return String(request.headers["chatkit-run"]);
  }

  /** Start a turn and have it answered by a stream with one event, which is read. */
  async turn(signal?: AbortSignal, run?: string): Promise<Turn> {
    const answered = this.post("threads.add_user_message", signal);
    const request = await this.server.next();
    const headers = { "content-type": "text/event-stream", ...(run ? { "chatkit-run": run } : {}) };
    request.answer.writeHead(200, headers).write("data: 1\n\n");
    const response = await answered;
    const reader = response.body!.getReader();
    await reader.read();
    const bytes = async (text: string): Promise<void> => {
      for (const byte of text) {
        request.answer.write(byte);
        assert.equal((await reader.read()).value!.length, 1);
      }
    };
    return { request, response, reader, bytes };
  }

  get stops(): number {
    return this.sent.filter(({ input }) => String(input).endsWith("/stop")).length;
  }
}

/** Answers a request. */
export type Answer = (answer: ServerResponse) => void;

/** An answer that ends well, with these bytes. */
export function streamOf(body = "data: 1\n\n", headers: Record<string, string> = {}): Answer {
  return (answer) => answer.writeHead(200, { "content-type": "text/event-stream", ...headers }).end(body);
}

/** An answer that is no stream. */
export function plain(status: number, type?: string, body = "{}"): Answer {
  return (answer) => answer.writeHead(status, type ? { "content-type": type } : {}).end(body);
}

/** An answer whose connection breaks after these bytes. */
export function broken(body = "data: 1\n\n", headers: Record<string, string> = {}): Answer {
  return (answer) => {
    answer.writeHead(200, { "content-type": "text/event-stream", ...headers });
    answer.write(body, () => answer.destroy());
  };
}

export interface Turn {
  readonly request: Received;
  readonly response: Response;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
  /** Send and read some more, a byte at a time. */
  readonly bytes: (text: string) => Promise<void>;
}

/** A server of its own for each test of the file. */
export function useServer(): () => ChatServer {
  let server: ChatServer;
  beforeEach(async () => {
    server = await ChatServer.start();
  });
  afterEach(() => server.close());
  return () => server;
}
