import assert from "node:assert/strict";
import { readFile } from "node:fs/promises";
import { test } from "node:test";

const web = new URL("../", import.meta.url);

test("the README shows the usage that the compiler has checked against ChatKit's own types", async () => {
  const readme = await readFile(new URL("README.md", web), "utf8");
  const usage = await readFile(new URL("test/usage.ts", web), "utf8");
  assert.ok(readme.includes(`\`\`\`ts\n${usage}\`\`\``));
});
