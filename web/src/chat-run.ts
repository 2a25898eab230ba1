export const RUN_HEADER = "chatkit-run";
const RETRY_MILLISECONDS = 500;

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
  readonly #watch = new AbortController();

  constructor(id: string, signal: AbortSignal | null | undefined, server: Server) {
    this.#id = id;
    this.#server = server;
    signal?.addEventListener("abort", () => this.#stop(), { signal: this.#watch.signal });
  }

  /** The answer as it comes; what its reader cancels is stopped as well. */
  async follow(answer: Promise<Response>): Promise<Response> {
    try {
      const response = await answer;
      const isStream = /^text\/event-stream\b/i.test(response.headers.get("content-type") ?? "");
      if (response.ok && isStream && response.body) {
        // It is another's where the request repeats a turn under way.
        this.#id = response.headers.get(RUN_HEADER) ?? this.#id;
        return withBody(response, this.#watched(response.body));
      }
      this.#end();
      return response;
    } catch (error) {
      this.#end();
      throw error;
    }
  }

  /** The same bytes at the same moments: what has come is handed on, and the next is asked for. */
  #watched(body: ReadableStream<Uint8Array>): ReadableStream<Uint8Array> {
    const reader = body.getReader();
    const end = (): void => this.#end();
    void reader.closed.then(end, end);
    return new ReadableStream({
      pull: async (controller) => {
        const { done, value } = await reader.read();
        if (done) controller.close();
        else controller.enqueue(value);
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

  #stop(): void {
    if (this.#watch.signal.aborted || this.#server.isPageLeft()) return;
    this.#end();
    void postStop(this.#server, this.#id);
  }
}

/** Watch the page: gives whether it is hidden or on its way out, where nobody presses a stop button. */
export function watchPage(): () => boolean {
  let isUnloaded = false;
  if (typeof window !== "undefined") {
    // From the beginning, to be told before those who abort for the same reason: listeners are called in their order.
    window.addEventListener("pagehide", () => (isUnloaded = true));
    window.addEventListener("pageshow", () => (isUnloaded = false)); // from the browser's cache of pages
  }
  // A hidden page's client may put its stream down only to ask for it again when it is shown.
  return () => isUnloaded || (typeof document !== "undefined" && document.visibilityState === "hidden");
}

/** Sent at once and with what is known by now: a page on its way out cannot wait. Never rejects. */
async function postStop({ endpoint, authorization, send }: Server, run: string): Promise<void> {
  const address = new URL(endpoint);
  address.pathname = `${endpoint.pathname.replace(/\/$/, "")}/stop`;
  const headers = { authorization, "content-type": "application/json" };
  const request = { method: "POST", keepalive: true, headers, body: JSON.stringify({ run }) };
  const isAccepted = async (): Promise<boolean> => {
    try {
      return (await send(address.href, request)).ok;
    } catch {
      return false;
    }
  };
  if (await isAccepted()) return;
  await new Promise((resolve) => setTimeout(resolve, RETRY_MILLISECONDS));
  if (!(await isAccepted())) console.warn(`ChatKit: the run ${run} could not be stopped`);
}

/** The response with another body; a constructed one would have lost what is defined here. */
function withBody(response: Response, body: ReadableStream<Uint8Array>): Response {
  const { url, type, redirected } = response;
  const kept = { url: { value: url }, type: { value: type }, redirected: { value: redirected } };
  return Object.defineProperties(new Response(body, response), kept);
}
