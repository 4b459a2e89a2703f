// Signs people in and out with NextAuth 4: its own handler for pages/api, with plain objects for the
// request and the response.
//
// Given: `module`, which exports `adapter` and `close`; `strategy` of the sessions; `steps`; and the
// `state` that an earlier run printed: its cookies and the last link that was sent. Credentials are
// taken from everybody who says the word "open"; `person` is who comes in by OAuth.

import { readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { provided } from "../auth_js/cycle_provider.mjs";

const { default: NextAuth } = createRequire(import.meta.url)("next-auth");

process.env.NEXTAUTH_URL = "http://localhost:3000";
const given = JSON.parse(readFileSync(0, "utf8"));
const { adapter, close } = await import(given.module);
const state = given.state ?? { cookies: {}, link: null };
const said = [];
const house = await provided(given.person);

const options = {
  adapter,
  secret: "a secret of this test alone, long enough",
  session: { strategy: given.strategy },
  logger: { error: (code) => said.push(code), warn() {}, debug() {} },
  providers: [
    ...house.providers,
    {
      id: "email",
      type: "email",
      name: "Email",
      from: "app@example.com",
      server: "",
      maxAge: 3600,
      options: {},
      sendVerificationRequest: async ({ url }) => {
        state.link = url;
      },
    },
    ...(given.strategy === "jwt"
      ? [
          {
            id: "credentials",
            type: "credentials",
            name: "Credentials",
            credentials: { email: {}, word: {} },
            options: {},
            authorize: ({ email, word }) =>
              word === "open" ? adapter.getUserByEmail(email) : null,
          },
        ]
      : []),
  ],
};

async function sent(path, form) {
  const url = new URL(path, "http://localhost:3000/api/auth/");
  const request = {
    method: form ? "POST" : "GET",
    headers: { host: "localhost:3000" },
    cookies: { ...state.cookies },
    query: {
      ...Object.fromEntries(url.searchParams),
      nextauth: url.pathname.split("/").slice(3),
    },
    body: form,
  };
  const headers = {};
  const response = {
    code: 200,
    body: null,
    status(code) {
      this.code = code;
      return this;
    },
    getHeader: (name) => headers[name.toLowerCase()],
    setHeader: (name, value) => {
      headers[name.toLowerCase()] = value;
    },
    json(body) {
      this.body = body;
    },
    send(body) {
      this.body = body;
    },
    end() {},
  };
  await NextAuth(request, response, options);
  for (const line of [headers["set-cookie"] ?? []].flat()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    if (value) state.cookies[name] = decodeURIComponent(value);
    else delete state.cookies[name];
  }
  return { body: response.body, place: headers.location ?? null };
}

async function posted(path, form) {
  const { body } = await sent("csrf");
  return await sent(path, { ...form, csrfToken: body.csrfToken });
}

const steps = {
  request: async (email) => (await posted("signin/email", { email })).place,
  use: async () => (await sent(state.link)).place,
  credentials: async (email, word) =>
    (await posted("callback/credentials", { email, word })).place,
  oauth: async () => {
    const asked = new URL((await posted("signin/house", {})).place);
    const answer = { code: "code", state: asked.searchParams.get("state") };
    return (await sent(`callback/house?${new URLSearchParams(answer)}`)).place;
  },
  session: async () => (await sent("session")).body,
  signout: async () => (await posted("signout", {})).place,
  forget: async () => {
    state.cookies = {};
  },
};

const found = [];
for (const [step, ...words] of given.steps) found.push((await steps[step](...words)) ?? null);
await close();
house.stop();
console.log(JSON.stringify({ found, state, said }));
