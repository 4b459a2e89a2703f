// Cookies exactly as NextAuth 4 sets them: each case signs somebody in through the library's own
// handler. Takes a list of cases as JSON, prints what each gave: {name: {cookies, user, session}}.
import { createRequire } from "node:module";

import { setClock } from "../golden_clock.mjs";

const { default: NextAuth } = createRequire(import.meta.url)("next-auth");

process.env.NEXTAUTH_URL = "http://localhost:3000/api/auth";

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

function optionsOf(given, adapter, sent) {
  const claims = { ...given.claims, filler: "x".repeat(given.filler ?? 0) };
  return {
    secret: given.secrets[0], // it knows one only
    useSecureCookies: given.secure ?? false,
    logger: { error: (code, data) => console.error(code, data), warn() {}, debug() {} },
    session: { strategy: given.strategy, ...(given.max_age ? { maxAge: given.max_age } : {}) },
    ...(given.cookie
      ? { cookies: { sessionToken: { name: given.cookie, options: { httpOnly: true, path: "/" } } } }
      : {}),
    ...(given.strategy === "database" ? { adapter } : {}),
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

// What Next.js gives a page of its API.
async function call(options, method, path, { query = {}, body = {}, cookies = {} } = {}) {
  const headers = {};
  const response = {
    sent: null,
    status() {
      return response;
    },
    setHeader: (name, value) => void (headers[name.toLowerCase()] = value),
    getHeader: (name) => headers[name.toLowerCase()],
    end() {},
    json: (value) => void (response.sent = value),
    send: (value) => void (response.sent = value),
  };
  const request = { method, headers: {}, cookies, body, query: { nextauth: path, ...query } };
  await NextAuth(request, response, options);
  const set = [headers["set-cookie"] ?? []].flat().map((line) => line.split(";")[0]);
  return {
    body: response.sent,
    cookies: Object.fromEntries(
      set.map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
    ),
  };
}

async function signIn(given) {
  const sent = [];
  const adapter = memory(given.user);
  const options = optionsOf(given, adapter, sent);
  const csrf = await call(options, "GET", ["csrf"]);
  const cookies = Object.fromEntries(
    Object.entries(csrf.cookies).map(([name, value]) => [name, decodeURIComponent(value)]),
  );
  const body = { csrfToken: csrf.body.csrfToken, email: given.user.email, json: "true" };
  const path = given.strategy === "database" ? ["signin", "email"] : ["callback", "credentials"];
  let answer = await call(options, "POST", path, { body, cookies });
  if (sent.length) {
    const query = Object.fromEntries(new URL(sent[0]).searchParams);
    answer = await call(options, "GET", ["callback", "email"], { query, cookies });
  }
  const own = Object.entries(answer.cookies).filter(
    ([name, value]) => !/callback-url|csrf-token/.test(name) && value !== "",
  );
  return {
    cookies: Object.fromEntries(own), user: given.user, session: adapter.rows.session,
  };
}

let text = "";
for await (const part of process.stdin) text += part;
const made = {};
for (const given of JSON.parse(text)) {
  setClock(given.seconds_ago ?? 0);
  made[given.name] = await signIn(given);
}
console.log(JSON.stringify(made));
