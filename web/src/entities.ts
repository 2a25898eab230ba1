import { below } from "./address.js";
import type { Fetch } from "./chat-run.js";

/** Something that a message can name with an @, as ChatKit's `Entity`. */
export interface Entity {
  readonly id: string;
  readonly title: string;
  readonly icon: string;
  readonly group: string;
  readonly interactive: boolean;
  readonly data: Record<string, string>;
}

/** What ChatKit's option `entities` takes; `Preview` is its own type of the widget that a preview is. */
export interface Entities<Preview> {
  readonly onTagSearch: (query: string) => Promise<Entity[]>;
  readonly onRequestPreview: (entity: { readonly id: string }) => Promise<{ preview: Preview | null }>;
}

/** What `createEntities` needs to know. */
export interface EntitiesOptions {
  /** The ChatKit endpoint, absolute or relative to the page. */
  readonly url: string | URL;
  /** What `createChatFetch` made for that endpoint: it adds the token. */
  readonly fetch: Fetch;
  /** The language of groups and previews, as `de`; the browser's own if not given. */
  readonly locale?: string;
}

/** As many characters of a query as the server takes. */
const MAX_QUERY = 100;

/**
 * Make ChatKit's option `entities`, which asks the server for what the user can name and for a look at it.
 *
 * Neither rejects: nothing is found, or nothing shown, where the server cannot be asked or refuses, and the console has
 * a warning. What is no longer there has no preview, and no warning.
 */
export function createEntities<Preview = never>(options: EntitiesOptions): Entities<Preview> {
  const init = options.locale === undefined ? {} : { headers: { "accept-language": options.locale } };

  /** The object or list that the answer has in a field; `address` may throw. */
  async function ask(address: () => URL, field: string): Promise<unknown> {
    try {
      const response = await options.fetch(address().href, init);
      if (response.ok) {
        const value = ((await response.json()) as Record<string, unknown>)[field];
        if (typeof value === "object") return value;
        throw new Error(`the answer has no ${field}`);
      }
      if (response.status !== 404) console.warn(`ChatKit: entities could not be loaded (${response.status})`);
    } catch (error) {
      console.warn("ChatKit: entities could not be loaded", error);
    }
    return undefined;
  }

  return {
    onTagSearch: async (query) => {
      const found = await ask(() => {
        const address = below(options.url, "entities");
        address.searchParams.set("query", [...query].slice(0, MAX_QUERY).join(""));
        return address;
      }, "entities");
      return Array.isArray(found) ? (found as Entity[]) : [];
    },
    onRequestPreview: async ({ id }) => {
      const preview = await ask(() => below(options.url, `entities/${encodeURIComponent(id)}/preview`), "preview");
      return { preview: (preview ?? null) as Preview | null };
    },
  };
}
