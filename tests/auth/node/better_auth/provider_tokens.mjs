// Tokens of a provider in Better Auth: `sign-in` stores those that the browser brought, `read` gives what is stored.
//
// Given: {phase, tables, encrypt, tokens}; `read` takes {accountId, userId} too. The provider itself is not asked.
import { auth, databaseOf, given, load, merged } from "./library.mjs";

const { phase, tables: file, encrypt, tokens, accountId, userId } = given();
const { tables } = await load(file);
const { pool, database } = await databaseOf({});
const person = { id: "1042", email: "ada@example.com", name: "Ada", emailVerified: true };
const library = auth(merged(tables, {
  database,
  account: { encryptOAuthTokens: encrypt },
  socialProviders: {
    google: {
      clientId: "a client",
      clientSecret: "its secret",
      verifyIdToken: async () => true,
      getUserInfo: async () => ({ user: person, data: { ...person, sub: person.id } }),
    },
  },
}));

if (phase === "sign-in") {
  await library.api.signInSocial({ body: { provider: "google", idToken: tokens } });
  console.log(JSON.stringify({}));
} else {
  console.log(JSON.stringify(await library.api.getAccessToken({ body: { accountId, userId } })));
}
await pool.end();
