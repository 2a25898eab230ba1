import assert from "node:assert/strict";
import { test } from "node:test";
import { loadChoices } from "chatkit-lambda-web/choices";
import { Chat, useServer } from "./chat.js";

const server = useServer();
const CHOICES = {
  models: [{ id: "fast", label: "Fast", default: true }],
  tools: [{ id: "show", label: "Show", icon: "notebook", pinned: false, persistent: false }],
};

for (const slash of ["", "/"]) {
  test(`choices are asked for below the endpoint${slash && " that ends with a slash"}, with the token`, async () => {
    const loaded = loadChoices({ url: `${server().endpoint}${slash}`, fetch: new Chat(server()).fetch });
    const { method, path, headers, answer } = await server().next();
    answer.end(JSON.stringify(CHOICES));
    assert.deepEqual([method, path, headers["authorization"]], ["GET", "/chatkit/choices", "Bearer token-1"]);
    assert.equal(headers["chatkit-run"], undefined);
    assert.deepEqual(await loaded, CHOICES);
  });
}

test("the endpoint's own query stays one", async () => {
  const url = new URL(`${server().endpoint}?stage=1`);
  const loaded = loadChoices({ url, fetch: new Chat(server()).fetch });
  const { path, answer } = await server().next();
  answer.end(JSON.stringify(CHOICES));
  assert.equal(path, "/chatkit/choices?stage=1");
  assert.deepEqual(await loaded, CHOICES);
});

for (const body of ["null", "{}", "<html>", JSON.stringify({ ...CHOICES, tools: null })]) {
  test(`an answer that has not both lists rejects: ${body}`, async () => {
    const loaded = loadChoices({ url: server().endpoint, fetch: new Chat(server()).fetch });
    (await server().next()).answer.end(body);
    await assert.rejects(loaded);
  });
}

test("labels are in the language that is asked for", async () => {
  const loaded = loadChoices({ url: server().endpoint, fetch: new Chat(server()).fetch, locale: "de" });
  const { headers, answer } = await server().next();
  answer.end(JSON.stringify(CHOICES));
  assert.equal(headers["accept-language"], "de");
  await loaded;
});

test("an answer other than success rejects and says its status", async () => {
  const loaded = loadChoices({ url: server().endpoint, fetch: new Chat(server()).fetch });
  const { answer } = await server().next();
  answer.writeHead(401).end("{}");
  await assert.rejects(loaded, /could not be loaded \(401\)/);
});
