// Signs people in and out with Auth.js itself: requests and cookies as a browser sends them.
//
// Given: `module`, which exports `adapter` and `close`; `strategy` of the sessions; `steps`; and the
// `state` that an earlier run printed: its cookies and the last link that was sent. Credentials are
// taken from everybody who says the word "open"; `person` is who comes in by OAuth.

import { Auth } from "@auth/core";
import { readFileSync } from "node:fs";
import { provided } from "./cycle_provider.mjs";

const given = JSON.parse(readFileSync(0, "utf8"));
const { adapter, close } = await import(given.module);
const state = given.state ?? { cookies: {}, link: null };
const said = [];
const house = await provided(given.person);

const config = {
  adapter,
  basePath: "/auth",
  secret: "a secret of this test alone, long enough",
  trustHost: true,
  session: { strategy: given.strategy },
  logger: { error: (error) => said.push(error.name), warn() {}, debug() {} },
  providers: [
    ...house.providers,
    {
      id: "email",
      type: "email",
      name: "Email",
      from: "app@example.com",
      maxAge: 3600,
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
            authorize: ({ email, word }) =>
              word === "open" ? adapter.getUserByEmail(email) : null,
          },
        ]
      : []),
  ],
};

async function sent(path, form) {
  const url = path.startsWith("http") ? path : `http://localhost:3000/auth/${path}`;
  const cookie = Object.entries(state.cookies)
    .map(([name, value]) => `${name}=${value}`)
    .join("; ");
  const request = new Request(url, {
    headers: { cookie },
    ...(form && { method: "POST", body: new URLSearchParams(form) }),
  });
  const response = await Auth(request, config);
  for (const line of response.headers.getSetCookie()) {
    const [, name, value] = /^([^=]+)=([^;]*)/.exec(line);
    if (value) state.cookies[name] = value;
    else delete state.cookies[name];
  }
  return response;
}

async function posted(path, form) {
  const { csrfToken } = await (await sent("csrf")).json();
  return await sent(path, { ...form, csrfToken });
}

const place = (response) => response.headers.get("location");
const steps = {
  request: async (email) => place(await posted("signin/email", { email })),
  use: async () => place(await sent(state.link)),
  credentials: async (email, word) =>
    place(await posted("callback/credentials", { email, word })),
  oauth: async () => {
    const asked = new URL(place(await posted("signin/house", {})));
    const answer = { code: "code", state: asked.searchParams.get("state") };
    return place(await sent(`callback/house?${new URLSearchParams(answer)}`));
  },
  session: async () => await (await sent("session")).json(),
  signout: async () => place(await posted("signout", {})),
  forget: async () => {
    state.cookies = {};
  },
};

const found = [];
for (const [step, ...words] of given.steps) found.push((await steps[step](...words)) ?? null);
await close();
house.stop();
console.log(JSON.stringify({ found, state, said }));
