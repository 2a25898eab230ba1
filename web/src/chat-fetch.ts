import { RUN_HEADER, Run, watchPage, type Fetch } from "./chat-run.js";

/** The requests that start a turn of the assistant, and so a run that can be stopped. */
const TURNS: ReadonlySet<unknown> = new Set([
  "threads.create",
  "threads.add_user_message",
  "threads.add_client_tool_output",
  "threads.add_structured_input",
  "threads.custom_action",
  "threads.retry_after_item",
]);

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
 * has a warning. The function rejects as `fetch` does, and with what `token` rejects with.
 */
export function createChatFetch(options: ChatFetchOptions): Fetch {
  const send: Fetch = options.fetch ?? ((input, init) => fetch(input, init));
  const newId = options.newId ?? (() => crypto.randomUUID());
  const endpoint = new URL(options.url, pageAddress());
  const isPageLeft = watchPage();

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

    const id = newId();
    headers.set(RUN_HEADER, id);
    if (!(await startsTurn(init?.body ?? (await request?.clone().text())))) return send(input, authorized);
    const signal = init?.signal === undefined ? request?.signal : init.signal;
    const run = new Run(id, signal, { endpoint, authorization, send, isPageLeft });
    return run.follow(send(input, authorized));
  };
}

async function startsTurn(body: BodyInit | null | undefined): Promise<boolean> {
  if (body instanceof ReadableStream) return false; // reading it here would take it from the request
  try {
    const request = (await new Response(body).json()) as { type?: unknown } | null;
    return TURNS.has(request?.type);
  } catch {
    return false;
  }
}

/** What relative addresses are relative to; nothing outside of a page. */
function pageAddress(): string | undefined {
  return typeof document === "undefined" ? undefined : document.baseURI;
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
