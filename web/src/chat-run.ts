import { below } from "./address.js";

export const RUN_HEADER = "chatkit-run";
const RETRY_MILLISECONDS = 500;
const [LF, CR, COLON] = [10, 13, 58];

export type Fetch = (input: RequestInfo | URL, init?: RequestInit) => Promise<Response>;

/** Who is told to stop a run, how, and when not. */
export interface Server {
  readonly endpoint: URL;
  readonly authorization: string;
  readonly send: Fetch;
  readonly isPageLeft: () => boolean;
}

/** A run under way on the server: until its stream is over, an abort stops it, once. */
export class Run {
  #id: string;
  readonly #server: Server;
  readonly #lose: (id: string) => void;
  readonly #watch = new AbortController();

  /** `lose` is given the run's name where its answer did not come to its end, and nobody stopped it. */
  constructor(id: string, signal: AbortSignal | null | undefined, server: Server, lose: (id: string) => void) {
    this.#id = id;
    this.#server = server;
    this.#lose = lose;
    if (signal?.aborted) this.#end();
    signal?.addEventListener("abort", () => this.#stop(), { signal: this.#watch.signal });
  }

  /** The answer as it comes; what its reader cancels is stopped as well. */
  async follow(answer: Promise<Response>): Promise<Response> {
    try {
      const response = await answer;
      if (response.ok && isOfType(response, "text/event-stream") && response.body) {
        // It is another's where the request repeats a turn under way.
        this.#id = response.headers.get(RUN_HEADER) ?? this.#id;
        return withBody(response, this.#watched(response.body));
      }
      if (isRefusal(response)) this.#end();
      else this.#breakOff();
      return response;
    } catch (error) {
      this.#breakOff();
      throw error;
    }
  }

  /** The same bytes at the same moments: what has come is handed on, and the next is asked for. */
  #watched(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    const events = new Events();
    return new ReadableStream({
      pull: async (controller) => {
        const { value } = await reader.read().catch((error: unknown) => {
          this.#breakOff();
          throw error;
        });
        if (value) {
          events.pass(value);
          return controller.enqueue(value);
        }
        // ChatKit.js is assumed to repeat the request after an end within an event, as it does after an error.
        if (events.areWhole) this.#end();
        else this.#breakOff();
        controller.close();
      },
      cancel: (reason) => {
        this.#stop();
        return reader.cancel(reason);
      },
    });
  }

  #end(): void {
    this.#watch.abort();
  }

  #breakOff(): void {
    if (this.#watch.signal.aborted) return;
    this.#end();
    this.#lose(this.#id);
  }

  #stop(): void {
    if (this.#watch.signal.aborted) return;
    if (this.#server.isPageLeft()) return this.#breakOff();
    this.#end();
    void postStop(this.#server, this.#id);
  }
}

/** Server-sent events that pass by: whether the last of them has its end, a blank line. Comments may follow it. */
class Events {
  #isEnded = false;
  #lineStart: number | undefined; // the first byte of a line that has no end yet

  get areWhole(): boolean {
    return this.#isEnded && this.#lineStart === undefined;
  }

  /** Lines end with LF or CRLF; CR alone, which the standard allows as well, nobody sends. */
  pass(bytes: Uint8Array): void {
    let start = 0;
    for (let end; (end = bytes.indexOf(LF, start)) >= 0; start = end + 1) {
      const first = this.#lineStart ?? bytes[start];
      this.#lineStart = undefined;
      if (first !== COLON) this.#isEnded = first === LF || first === CR;
    }
    this.#lineStart ??= bytes[start];
  }
}

/** Sent at once and with what is known by now: a page on its way out cannot wait. Never rejects. */
async function postStop({ endpoint, authorization, send }: Server, run: string): Promise<void> {
  const headers = { authorization, "content-type": "application/json" };
  const request = { method: "POST", keepalive: true, headers, body: JSON.stringify({ run }) };
  const isAccepted = async (): Promise<boolean> => {
    try {
      return (await send(below(endpoint, "stop").href, request)).ok;
    } catch {
      return false;
    }
  };
  if (await isAccepted()) return;
  await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
  if (!(await isAccepted())) console.warn(`ChatKit: the run ${run} could not be stopped`);
}

/** Whether there is no run to come back to: the server says so with a problem document, others with a 4xx. */
function isRefusal(response: Response): boolean {
  return isOfType(response, "application/problem+json") || (!response.ok && response.status < 500);
}

function isOfType({ headers }: Response, type: string): boolean {
  return headers.get("content-type")?.split(";")[0]?.trim().toLowerCase() === type;
}

/** The response with another body; a constructed one would have lost what is defined here. */
function withBody(response: Response, body: ReadableStream<Uint8Array>): Response {
  const { url, type, redirected } = response;
  const kept = { url: { value: url }, type: { value: type }, redirected: { value: redirected } };
  return Object.defineProperties(new Response(body, response), kept);
}
