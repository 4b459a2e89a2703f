// A visitor's own text where the magic link's token stands: whichever row has that identifier goes.
import { magicLink } from "better-auth/plugins";
import { ORIGIN, auth, databaseOf, given, load, merged } from "./library.mjs";

const { tables: file, schema, token, storeToken } = given();
const { tables, adapter } = await load(file);
const { pool, database } = await databaseOf({ schema, adapter });
const plugins = [magicLink({ storeToken, sendMagicLink: async () => {} })];
const library = auth({ ...merged(tables, { database }), plugins, logger: { disabled: true } });
const query = new URLSearchParams({ token });
const request = new Request(`${ORIGIN}/api/auth/magic-link/verify?${query}`);
const answer = await library.handler(request).catch(() => null);
console.log(JSON.stringify({ signed_in: Boolean(answer?.headers.get("set-cookie")) }));
await pool.end();
