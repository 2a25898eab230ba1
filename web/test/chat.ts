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

  /** Post a request of ChatKit's. */
  post(type = "threads.add_user_message", signal?: AbortSignal): Promise<Response> {
    const init = { method: "POST", headers: { "content-type": "application/json" }, body: JSON.stringify({ type }) };
    return this.fetch(this.server.endpoint, signal ? { ...init, signal } : init);
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
    return { request, response, reader };
  }

  get stops(): number {
    return this.sent.filter(({ input }) => String(input).endsWith("/stop")).length;
  }
}

export interface Turn {
  readonly request: Received;
  readonly response: Response;
  readonly reader: ReadableStreamDefaultReader<Uint8Array>;
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
