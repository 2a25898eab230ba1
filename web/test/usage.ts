import type { ChatKitIcon, OpenAIChatKit } from "@openai/chatkit";
import { createChatFetch } from "chatkit-lambda-web";
import { loadChoices } from "chatkit-lambda-web/choices";
import { createEntities } from "chatkit-lambda-web/entities";

export async function showChat(url: string, domainKey: string, token: () => Promise<string>): Promise<void> {
  const chat = document.createElement("openai-chatkit") as OpenAIChatKit;
  const fetch = createChatFetch({ url, token });
  const composer = await loadChoices<ChatKitIcon>({ url, fetch }).catch(() => ({})); // a chat without menus is one, too
  chat.setOptions({ api: { url, domainKey, fetch }, composer, entities: createEntities({ url, fetch }) });
  document.body.append(chat);
}
