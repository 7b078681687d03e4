// SPDX-License-Identifier: Apache-2.0
// A client of the official TypeScript SDK, moved by a test: one JSON request a line in, one answer a line out.
//
//   node assistant_client.cjs TOOLS SDK DOOR [WORD...]
//
// TOOLS: the folder with node_modules. SDK: "modern" (the current package, which must find revision 2026-07-28),
// or "legacy" (the one before, which begins with `initialize`). DOOR: "stdio" with a command, or "http" with URL and
// token. Requests: {"tool": NAME, "arguments": {...}} or {"list": true}; {"result": ...} or {"error": ...} comes back.
"use strict";
const path = require("node:path");
const readline = require("node:readline");
const [tools, sdk, door, ...words] = process.argv.slice(2);
const load = require("node:module").createRequire(path.join(tools, "x.js"));
const modern = sdk === "modern";

const packages = modern
  ? { client: "@modelcontextprotocol/client", http: "@modelcontextprotocol/client", stdio: "@modelcontextprotocol/client/stdio" }
  : {
      client: "@modelcontextprotocol/sdk/client/index.js",
      http: "@modelcontextprotocol/sdk/client/streamableHttp.js",
      stdio: "@modelcontextprotocol/sdk/client/stdio.js",
    };

function transport() {
  if (door === "stdio") {
    const { StdioClientTransport } = load(packages.stdio);
    return new StdioClientTransport({ command: words[0], args: words.slice(1), env: { ...process.env }, stderr: "inherit" });
  }
  const { StreamableHTTPClientTransport } = load(packages.http);
  const headers = words[1] ? { Authorization: `Bearer ${words[1]}` } : {};
  return new StreamableHTTPClientTransport(new URL(words[0]), { requestInit: { headers } });
}

function say(what) {
  process.stdout.write(JSON.stringify(what) + "\n");
}

async function answer(client, request) {
  if (request.list) return client.listTools();
  return client.callTool({ name: request.tool, arguments: request.arguments ?? {} });
}

async function main() {
  const { Client } = load(packages.client);
  const options = modern ? { versionNegotiation: { mode: { pin: "2026-07-28" } } } : {};
  const client = new Client({ name: "assistant-test", version: "1.0" }, options);
  const way = transport();
  await client.connect(way);
  say({
    result: {
      revision: modern ? client.getNegotiatedProtocolVersion() : way.protocolVersion ?? "",
      server: client.getServerVersion(),
      instructions: client.getInstructions(),
      pid: way.pid ?? 0,
    },
  });
  for await (const line of readline.createInterface({ input: process.stdin })) {
    try {
      say({ result: await answer(client, JSON.parse(line)) });
    } catch (error) {
      say({ error: { code: error.code ?? null, message: String(error.message) } });
    }
  }
  await client.close();
}

main().catch((error) => {
  say({ error: { code: error.code ?? null, message: String(error.message) } });
  process.exit(1);
});
