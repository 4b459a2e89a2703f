// Stands where Next.js stands: the same configuration, behind Node's own http server.
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { toNodeHandler } from "better-auth/node";
import { auth } from "./auth";

const server = createServer(toNodeHandler(auth));

server.listen(Number(process.env.PORT ?? 3000), "127.0.0.1", () => {
  console.log(`front on http://localhost:${(server.address() as AddressInfo).port}`);
});
