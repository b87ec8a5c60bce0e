// A certified OpenID Provider with its own login pages, for tests to log in with.
//
//   node oidc_provider.mjs '{"port": 0, "client": {…}, "accounts": {"ada": {…claims}}}'
//
// Prints one line with its issuer when it listens, and ends when its standard input does.

import { createServer } from 'node:http';
import { exportJWK, generateKeyPair } from 'jose';
import { Provider } from 'oidc-provider';

const { port, client, accounts } = JSON.parse(process.argv[2]);

async function signingKey() {
  const { privateKey } = await generateKeyPair('RS256', { extractable: true });
  return { ...(await exportJWK(privateKey)), use: 'sig', alg: 'RS256' };
}

function findAccount(_context, login) {
  const claims = accounts[login];
  return claims && { accountId: login, claims: async () => ({ sub: login, ...claims }) };
}

const server = createServer();
await new Promise((listening) => server.listen(port, '127.0.0.1', listening));

const issuer = `http://localhost:${server.address().port}`;
const provider = new Provider(issuer, {
  clients: [client],
  claims: {
    openid: ['sub'],
    email: ['email', 'email_verified'],
    profile: ['name', 'picture', 'preferred_username'],
  },
  cookies: { keys: ['only-for-tests'] },
  features: { devInteractions: { enabled: true } },
  findAccount,
  jwks: { keys: [await signingKey()] },
  pkce: { required: () => true },
});
server.on('request', provider.callback());

process.stdin.resume().on('end', () => process.exit(0));
console.log(`listening at ${issuer}`);
