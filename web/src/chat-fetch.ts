import { pageAddress } from "./address.js";
import { RUN_HEADER, Run, type Fetch } from "./chat-run.js";

/** The requests that start a turn of the assistant, and so a run that can be stopped. */
const TURNS: ReadonlySet<unknown> = new Set([
  "threads.create",
  "threads.add_user_message",
  "threads.add_client_tool_output",
  "threads.add_structured_input",
  "threads.custom_action",
  "threads.retry_after_item",
]);

/** For how long the same request is a repetition: as long as for the server, though from the failure on. */
const REPEAT_MILLISECONDS = 120_000;
const MAX_LOST = 8;

/** What `createChatFetch` needs to know. */
export interface ChatFetchOptions {
  /** The ChatKit endpoint, absolute or relative to the page. */
  readonly url: string | URL;
  /** Gives the access token; asked with each request, so that a long-open page keeps a fresh one. */
  readonly token: () => string | Promise<string>;
  /** What sends the requests; the browser's own `fetch` if not given. */
  readonly fetch?: Fetch;
  /** Makes the id of a run, 16 to 64 of `A-Za-z0-9_-`; a random UUID if not given. */
  readonly newId?: () => string;
}

/**
 * Make the function for ChatKit's option `api.fetch`.
 *
 * Requests to the endpoint, and to what is below it on the same origin, get the token; all others go through untouched.
 * A POST to the endpoint itself also names its run in the header `chatkit-run`. Where such a request started a turn and
 * is aborted before its stream is over, `POST {url}/stop` ends the run on the server; if that fails twice, the console
 * has a warning. Where its answer was lost on the way, the same request again names the same run, so that the server
 * begins no second one. The function rejects as `fetch` does, and with what `token` rejects with.
 */
export function createChatFetch(options: ChatFetchOptions): Fetch {
  const send: Fetch = options.fetch ?? ((input, init) => fetch(input, init));
  const newId = options.newId ?? (() => crypto.randomUUID());
  const endpoint = new URL(options.url, pageAddress());
  const isPageLeft = watchPage();
  const lost = new LostRuns(isPageLeft);

  return async (input, init) => {
    const request = isRequest(input) ? input : undefined;
    const target = new URL(request?.url ?? String(input), pageAddress());
    if (!isWithin(endpoint, target)) return send(input, init);
    const authorization = `Bearer ${await options.token()}`;
    const headers = new Headers(init?.headers ?? request?.headers);
    headers.set("authorization", authorization);
    const authorized = { ...init, headers };
    const method = init?.method ?? request?.method ?? "GET";
    if (method.toUpperCase() !== "POST" || !isSamePath(endpoint, target)) return send(input, authorized);

    const turn = await turnOf(init?.body ?? (await request?.clone().text()));
    const id = (turn && lost.take(turn)) || newId();
    headers.set(RUN_HEADER, id);
    if (!turn) return send(input, authorized);
    const signal = init?.signal === undefined ? request?.signal : init.signal;
    const server = { endpoint, authorization, send, isPageLeft };
    return new Run(id, signal, server, (name) => lost.keep(turn, name)).follow(send(input, authorized));
  };
}

/** The text of a request that starts a turn; nothing of another. */
async function turnOf(body: BodyInit | null | undefined): Promise<string | undefined> {
  if (body instanceof ReadableStream) return undefined; // reading it here would take it from the request
  try {
    const text = await new Response(body).text();
    const request = JSON.parse(text) as { type?: unknown } | null;
    return TURNS.has(request?.type) ? text : undefined;
  } catch {
    return undefined;
  }
}

/** The names of runs whose answers were lost, each to be sent once more with the same request. */
class LostRuns {
  readonly #runs = new Map<string, { readonly id: string; readonly until: number }>();
  readonly #isPageLeft: () => boolean;

  constructor(isPageLeft: () => boolean) {
    this.#isPageLeft = isPageLeft;
  }

  /** Keep a name; one lost on a page that is left as long as there is room: its client may rest for hours. */
  keep(request: string, id: string): void {
    this.#runs.delete(request); // so that it becomes the newest
    this.#runs.set(request, { id, until: this.#isPageLeft() ? Infinity : performance.now() + REPEAT_MILLISECONDS });
    for (const oldest of this.#runs.keys()) if (this.#runs.size > MAX_LOST) this.#runs.delete(oldest);
  }

  take(request: string): string | undefined {
    const run = this.#runs.get(request);
    this.#runs.delete(request);
    return run && performance.now() < run.until ? run.id : undefined;
  }
}

/** Watch the page: gives whether it is hidden or on its way out, where nobody presses a stop button. */
function watchPage(): () => boolean {
  let isUnloaded = false;
  if (typeof window !== "undefined") {
    // From the beginning, to be told before those who abort for the same reason: listeners are called in their order.
    window.addEventListener("pagehide", () => (isUnloaded = true));
    window.addEventListener("pageshow", () => (isUnloaded = false)); // from the browser's cache of pages
  }
  // A hidden page's client may put its stream down only to ask for it again when it is shown.
  return () => isUnloaded || (typeof document !== "undefined" && document.visibilityState === "hidden");
}

/** Not by `instanceof`, which does not know a Request from another frame. */
function isRequest(input: RequestInfo | URL): input is Request {
  return typeof input === "object" && "url" in input;
}

function isWithin(endpoint: URL, target: URL): boolean {
  return target.origin === endpoint.origin && withSlash(target).startsWith(withSlash(endpoint));
}

function isSamePath(endpoint: URL, target: URL): boolean {
  return withSlash(target) === withSlash(endpoint);
}

function withSlash({ pathname }: URL): string {
  return pathname.endsWith("/") ? pathname : `${pathname}/`;
}
