import type { OpenAIChatKit } from "@openai/chatkit";
import { createChatFetch } from "chatkit-lambda-web";

export function showChat(url: string, domainKey: string, token: () => Promise<string>): void {
  const chat = document.createElement("openai-chatkit") as OpenAIChatKit;
  chat.setOptions({ api: { url, domainKey, fetch: createChatFetch({ url, token }) } });
  document.body.append(chat);
}
