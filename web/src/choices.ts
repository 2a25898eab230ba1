import { below } from "./address.js";
import type { Fetch } from "./chat-run.js";

/** A model in the composer's menu, as ChatKit's `ModelOption`. */
export interface ModelChoice {
  readonly id: string;
  readonly label: string;
  readonly description?: string;
  readonly default?: boolean;
}

/** A tool in the composer's menu, as ChatKit's `ToolOption`; `Icon` is ChatKit's own type of icons. */
export interface ToolChoice<Icon extends string = string> {
  readonly id: string;
  readonly label: string;
  readonly icon: Icon;
  readonly shortLabel?: string;
  readonly placeholderOverride?: string;
  readonly pinned?: boolean;
  readonly persistent?: boolean;
}

/** What ChatKit's option `composer` takes. */
export interface Choices<Icon extends string = string> {
  readonly models: ModelChoice[];
  readonly tools: ToolChoice<Icon>[];
}

/** What `loadChoices` needs to know. */
export interface ChoicesOptions {
  /** The ChatKit endpoint, absolute or relative to the page. */
  readonly url: string | URL;
  /** What `createChatFetch` made for that endpoint: it adds the token. */
  readonly fetch: Fetch;
  /** The language of the labels, as `de`; the browser's own if not given. */
  readonly locale?: string;
}

/**
 * Ask the server which models and tools it offers: a message that names others is refused.
 *
 * Rejects as `fetch` does, and where the server answers with anything but both lists.
 */
export async function loadChoices<Icon extends string = string>(options: ChoicesOptions): Promise<Choices<Icon>> {
  const init = options.locale === undefined ? {} : { headers: { "accept-language": options.locale } };
  const response = await options.fetch(below(options.url, "choices").href, init);
  if (!response.ok) throw new Error(`ChatKit: the choices could not be loaded (${response.status})`);
  const choices = (await response.json()) as Partial<Choices<Icon>> | null;
  if (![choices?.models, choices?.tools].every(Array.isArray)) throw new Error("ChatKit: these are no choices");
  return choices as Choices<Icon>;
}
