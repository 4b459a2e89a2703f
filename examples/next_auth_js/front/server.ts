// Stands where Next.js stands: the same configuration, behind Node's own http server.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { Readable } from "node:stream";
import { Auth, setEnvDefaults } from "@auth/core";
import { authConfig } from "./auth.config";

const config = { ...authConfig, basePath: "/api/auth" };
setEnvDefaults(process.env, config); // AUTH_SECRET, AUTH_URL, as next-auth reads them

const server = createServer(async (incoming, outgoing) => {
  const hasBody = incoming.method === "POST";
  const scheme = incoming.headers["x-forwarded-proto"] ?? "http"; // of a proxy that ends TLS
  const request = new Request(new URL(incoming.url!, `${scheme}://${incoming.headers.host}`), {
    method: incoming.method,
    headers: incoming.headers as Record<string, string>,
    ...(hasBody ? { body: Readable.toWeb(incoming) as ReadableStream, duplex: "half" } : {}),
  });
  const response = await Auth(request, config);
  outgoing.writeHead(response.status, {
    ...Object.fromEntries(response.headers),
    "set-cookie": response.headers.getSetCookie(),
  });
  outgoing.end(await response.text());
});

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`front on http://localhost:${(server.address() as AddressInfo).port}`);
});
