import { createServer, type IncomingHttpHeaders, type Server, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";

/** A request as the server got it; the test writes its answer, as slowly as it likes. */
export interface Received {
  readonly method: string;
  readonly path: string;
  readonly headers: IncomingHttpHeaders;
  readonly body: string;
  readonly answer: ServerResponse;
}

/** A ChatKit endpoint on loopback that does what the test says, when the test says it. */
export class ChatServer {
  readonly #server: Server;
  readonly #arrived: Received[] = [];
  #wake = (): void => {};

  private constructor(server: Server) {
    this.#server = server;
    server.on("request", async (request, answer) => {
      const { method = "", url = "", headers } = request;
      this.#arrived.push({ method, path: url, headers, body: await text(request), answer });
      this.#wake();
    });
  }

  static async start(): Promise<ChatServer> {
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
    return new ChatServer(server);
  }

  get origin(): string {
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  get endpoint(): string {
    return `${this.origin}/chatkit`;
  }

  /** The oldest request that was not taken yet; waits for it. */
  async next(): Promise<Received> {
    for (;;) {
      const request = this.#arrived.shift();
      if (request) return request;
      await new Promise<void>((resolve) => (this.#wake = resolve));
    }
  }

  /** The next request, which must be a stop; it is accepted. */
  async nextStop(): Promise<Received> {
    const stop = await this.next();
    if (stop.path !== "/chatkit/stop") throw new Error(`expected a stop, got ${stop.method} ${stop.path}`);
    stop.answer.writeHead(202).end();
    return stop;
  }

  /** How many requests arrived and were not taken. */
  get waiting(): number {
    return this.#arrived.length;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }
}
