// Better Auth's own encryption of tokens: values that it makes, and what it reads of ours.
//
// Given: {tokens, secret, secrets: [[version, secret], ...], sealed: [...]}. Prints each token encrypted with the one
// secret (`bare`) and with the versioned ones (`versioned`), and what it opens of `sealed`.
import { symmetricDecrypt, symmetricEncrypt } from "better-auth/crypto";

let text = "";
for await (const part of process.stdin) text += part;
const { tokens = [], secret, secrets = [], sealed = [] } = JSON.parse(text);
const keys = new Map(secrets);
const versioned = { keys, currentVersion: secrets[0]?.[0], legacySecret: secret };

const bare = [];
const withVersion = [];
const opened = [];
for (const data of tokens) {
  bare.push(await symmetricEncrypt({ key: secret, data }));
  if (secrets.length) withVersion.push(await symmetricEncrypt({ key: versioned, data }));
}
for (const data of sealed) {
  opened.push(await symmetricDecrypt({ key: secrets.length ? versioned : secret, data }));
}
console.log(JSON.stringify({ bare, versioned: withVersion, opened }));
