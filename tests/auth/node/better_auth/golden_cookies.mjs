// Cookies exactly as Better Auth sets them: each case signs somebody up through the library's own
// handler. Takes a list of cases as JSON, prints what each gave: {name: {cookies, user, session}}.
import { betterAuth } from "better-auth";
import { memoryAdapter } from "better-auth/adapters/memory";

import { setClock } from "../golden_clock.mjs";

const ORIGIN = "http://localhost:3000";

function serverOf(given, rows) {
  const secrets =
    given.secrets.length > 1
      ? // The newest first; a version that is higher is newer.
        {
          secrets: given.secrets.map((value, at) => ({ version: given.secrets.length - at, value })),
        }
      : { secret: given.secrets[0] };
  return betterAuth({
    ...secrets,
    baseURL: ORIGIN,
    database: memoryAdapter(rows),
    logger: { disabled: true },
    telemetry: { enabled: false },
    emailAndPassword: {
      enabled: true,
      // The cookies do not depend on it, and the library's own takes its time.
      password: { hash: async (password) => password, verify: async () => true },
    },
    session: {
      ...(given.expires_in ? { expiresIn: given.expires_in } : {}),
      ...(given.cache
        ? { cookieCache: { enabled: true, strategy: given.cache, maxAge: given.max_age ?? 300 } }
        : {}),
    },
    advanced: {
      useSecureCookies: given.secure ?? false,
      ...(given.prefix ? { cookiePrefix: given.prefix } : {}),
      ...(given.cookie ? { cookies: { session_token: { name: given.cookie } } } : {}),
    },
  });
}

async function signUp(given) {
  const rows = { user: [], session: [], account: [], verification: [] };
  const auth = serverOf(given, rows);
  const response = await auth.handler(
    new Request(`${ORIGIN}/api/auth/sign-up/email`, {
      method: "POST",
      headers: { "content-type": "application/json", origin: ORIGIN, "user-agent": "golden" },
      body: JSON.stringify({
        email: given.user.email,
        name: given.user.name + "x".repeat(given.filler ?? 0),
        password: "correct horse",
      }),
    }),
  );
  if (!response.ok) throw new Error(`${given.name}: ${await response.text()}`);
  const set = response.headers.getSetCookie().map((line) => line.split(";")[0]);
  return {
    cookies: Object.fromEntries(
      set.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    ),
    user: rows.user[0],
    session: rows.session[0],
  };
}

let text = "";
for await (const part of process.stdin) text += part;
const made = {};
for (const given of JSON.parse(text)) {
  setClock(given.seconds_ago ?? 0);
  made[given.name] = await signUp(given);
}
console.log(JSON.stringify(made));
