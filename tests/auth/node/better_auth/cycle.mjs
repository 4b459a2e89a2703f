// What a front end does with Better Auth: `begin` leaves a user signed in, `end` takes all away.
import { Browser, auth, databaseOf, given, load, merged } from "./library.mjs";

const { phase, tables: file, schema, sessions, before } = given();
const { tables, adapter } = await load(file);
const { pool, database } = await databaseOf({ schema, adapter });
const mails = {};
const noted = (kind) => async ({ token }) => { mails[kind] = token; };
const library = auth(merged(tables, {
  database,
  emailAndPassword: { enabled: true, sendResetPassword: noted("reset") },
  emailVerification: { sendVerificationEmail: noted("verify"), sendOnSignUp: true },
  session: { expiresIn: 3600, updateAge: 600 },
  user: { deleteUser: { enabled: true }, changeEmail: { enabled: true } },
}));
const EMAIL = "ada@example.com";
const said = {};

async function begin() {
  const first = new Browser(library, "the first browser");
  const signedUp = await first.post("/sign-up/email", { email: EMAIL, password: "one password", name: "Ada" });
  said.signedUp = signedUp.user;
  await first.get(`/verify-email?token=${mails.verify}`);

  await first.post("/request-password-reset", { email: EMAIL, redirectTo: "/reset" });
  await first.post("/reset-password", { token: mails.reset, newPassword: "two password" });
  said.replayed = await first.post("/reset-password", { token: mails.reset, newPassword: "three" })
    .then(() => "taken", () => "refused");
  said.oldPassword = await new Browser(library).post("/sign-in/email", { email: EMAIL, password: "one password" })
    .then(() => "taken", () => "refused");

  const second = new Browser(library, "the second browser");
  await second.post("/sign-in/email", { email: EMAIL, password: "two password" });
  const seen = await second.get("/get-session");
  said.verified = seen.user.emailVerified;
  await pool.query(`UPDATE "${sessions}" SET expires_at = expires_at - interval '30 minutes'`);
  await second.get("/get-session");
  const later = await second.get("/get-session"); // half an hour old: the look before extended it
  said.extended = Date.parse(later.session.expiresAt) > Date.now() + 59 * 60e3;

  const rotated = await second.post("/change-password", {
    currentPassword: "two password", newPassword: "four password", revokeOtherSessions: true,
  });
  said.rotated = rotated.token !== later.session.token;
  said.session = (await second.get("/get-session")).session;
  said.sessions = (await second.get("/list-sessions")).length;

  await second.post("/update-user", { name: "Ada Lovelace", image: "https://example.com/a.png" });
  const { internalAdapter } = await library.$context;
  await internalAdapter.linkAccount({
    userId: signedUp.user.id, providerId: "github", accountId: "42", scope: "read:user",
    accessToken: "an access token", refreshToken: "a refresh token", idToken: "an id token",
    accessTokenExpiresAt: new Date("2031-02-03T04:05:06.789Z"),
    refreshTokenExpiresAt: new Date("2032-02-03T04:05:06.789Z"),
  });
  said.accounts = (await second.get("/list-accounts")).map(({ providerId }) => providerId).sort();
  said.found = (await internalAdapter.findUserByEmail(EMAIL, { includeAccounts: true })).accounts.length;
  await internalAdapter.createVerificationValue({
    identifier: "left over", value: "v", expiresAt: new Date("2031-01-01T00:00:00Z"),
  });
  said.user = (await second.get("/get-session")).user;
  said.cookies = second.cookies;
}

async function end() {
  const old = new Browser(library, "the second browser", before.cookies);
  said.still = (await old.get("/get-session")).user.email;
  await old.post("/sign-out");
  said.after = await new Browser(library, "a thief", before.cookies).get("/get-session");
  const last = new Browser(library, "the last browser");
  await last.post("/sign-in/email", { email: EMAIL, password: "four password" });
  await last.post("/delete-user", { password: "four password" });
  said.gone = await new Browser(library).post("/sign-in/email", { email: EMAIL, password: "four password" })
    .then(() => "taken", () => "refused");
}

await { begin, end }[phase]();
await pool.end();
console.log(JSON.stringify(said));
