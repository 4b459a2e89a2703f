// An OAuth 2 provider on the loopback that lets everybody in as one person.

import { createServer } from "node:http";

/**
 * Start it, unless nobody is given. `provider` is what Auth.js and NextAuth 4 take in `providers`.
 *
 * @param person The claims of the person, and the `tokens` that the provider gives.
 */
export async function provided(person) {
  if (!person) return { providers: [], stop() {} };
  const { tokens, ...profile } = person;
  const server = createServer((request, response) => {
    response.setHeader("content-type", "application/json");
    response.end(JSON.stringify(request.url.startsWith("/token") ? tokens : profile));
  });
  await new Promise((listening) => server.listen(0, "127.0.0.1", listening));
  const base = `http://127.0.0.1:${server.address().port}`;
  const provider = {
    id: "house",
    name: "House",
    type: "oauth",
    issuer: base,
    clientId: "client",
    clientSecret: "secret",
    checks: ["state"],
    authorization: { url: `${base}/authorize`, params: { scope: "email" } },
    token: { url: `${base}/token` },
    userinfo: { url: `${base}/userinfo` },
    profile: ({ sub, name, email, picture }) => ({ id: sub, name, email, image: picture }),
  };
  const stop = () => {
    server.close();
    server.closeAllConnections();
  };
  return { providers: [provider], stop };
}
