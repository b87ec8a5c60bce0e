// Verify the JWT on standard input as a service written in JavaScript would.
//
//   node verify_jose.mjs JWKS_URL [ISSUER] < token
//
// Prints the claims as JSON, or the reason of the refusal, and exits with 1.

import { readFileSync } from 'node:fs';
import { createRemoteJWKSet, jwtVerify } from 'jose';

const [jwksUrl, issuer] = process.argv.slice(2);
const token = readFileSync(0, 'utf8').trim();

try {
  const keys = createRemoteJWKSet(new URL(jwksUrl));
  const { payload } = await jwtVerify(token, keys, { algorithms: ['RS256'], issuer });
  console.log(JSON.stringify(payload));
} catch (error) {
  console.error(`${error.code ?? error.name}: ${error.message}`);
  process.exit(1);
}
