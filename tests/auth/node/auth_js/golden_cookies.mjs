// Cookies exactly as Auth.js sets them: each case signs somebody in through the library's own
// handler. Takes a list of cases as JSON, prints what each gave: {name: {cookies, user, session}}.
import { Auth, skipCSRFCheck } from "@auth/core";

import { setClock } from "../golden_clock.mjs";

const ORIGIN = "http://localhost:3000";

// What the library stores of a sign-in by e-mail; the tests store it in PostgreSQL.
function memory(user) {
  const rows = { session: null, token: null };
  return {
    rows,
    createVerificationToken: async (token) => (rows.token = token),
    useVerificationToken: async () => rows.token,
    getUserByEmail: async () => user,
    getUser: async () => user,
    updateUser: async (changes) => ({ ...user, ...changes }),
    createUser: async () => user,
    getUserByAccount: async () => null,
    linkAccount: async () => undefined,
    getSessionAndUser: async () => null,
    createSession: async (session) => (rows.session = session),
  };
}

function configOf(given, adapter, sent) {
  const claims = { ...given.claims, filler: "x".repeat(given.filler ?? 0) };
  return {
    secret: given.secrets,
    trustHost: true,
    basePath: "/api/auth",
    skipCSRFCheck,
    useSecureCookies: given.secure ?? false,
    session: { strategy: given.strategy, ...(given.max_age ? { maxAge: given.max_age } : {}) },
    ...(given.cookie ? { cookies: { sessionToken: { name: given.cookie } } } : {}),
    adapter, // always: once it saw a sign-in by e-mail, it asks for one for the rest of the process
    providers: [
      given.strategy === "database"
        ? {
            id: "email", type: "email", name: "Email", from: "a@example.com", maxAge: 86400,
            options: {}, sendVerificationRequest: async ({ url }) => void sent.push(url),
          }
        : {
            id: "credentials", type: "credentials", name: "Credentials", credentials: {},
            options: {}, authorize: async () => given.user,
          },
    ],
    callbacks: { jwt: async ({ token }) => ({ ...token, ...claims }) },
  };
}

function cookiesOf(response) {
  return Object.fromEntries(
    response.headers
      .getSetCookie()
      .map((line) => line.split(";")[0])
      .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)])
      .filter(([name, value]) => !/callback-url|csrf-token/.test(name) && value !== ""),
  );
}

async function signIn(given) {
  const sent = [];
  const adapter = memory(given.user);
  const config = configOf(given, adapter, sent);
  const post = (path, fields) =>
    Auth(
      new Request(`${ORIGIN}/api/auth/${path}`, {
        method: "POST",
        headers: { "content-type": "application/x-www-form-urlencoded" },
        body: new URLSearchParams(fields),
      }),
      config,
    );
  let response = await post(
    given.strategy === "database" ? "signin/email" : "callback/credentials",
    { email: given.user.email },
  );
  if (sent.length) response = await Auth(new Request(sent[0]), config);
  return { cookies: cookiesOf(response), user: given.user, session: adapter.rows.session };
}

let text = "";
for await (const part of process.stdin) text += part;
const made = {};
for (const given of JSON.parse(text)) {
  setClock(given.seconds_ago ?? 0);
  made[given.name] = await signIn(given);
}
console.log(JSON.stringify(made));
