// A service on better-auth, by its documentation: passwords in Argon2id at the cost of dhq-auth,
// tokens in RS256, no limits of rates, since one address asks for everybody here.

import cluster from 'node:cluster';
import { createServer } from 'node:http';

import { hash, verify } from '@node-rs/argon2';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { toNodeHandler } from 'better-auth/node';
import { jwt } from 'better-auth/plugins';
import Database from 'better-sqlite3';

const { DATA, PORT, PROCESSES } = process.env;
const cost = { algorithm: 2, memoryCost: 65536, timeCost: 3, parallelism: 1 };
const database = new Database(`${DATA}/better-auth.db`);
database.pragma('journal_mode = WAL');
database.pragma('synchronous = NORMAL');
database.pragma('busy_timeout = 5000');

const auth = betterAuth({
  baseURL: `http://127.0.0.1:${PORT}`,
  secret: 'a secret of this service that is longer than it has to be',
  database,
  rateLimit: { enabled: false },
  emailAndPassword: {
    enabled: true,
    password: {
      hash: (password) => hash(password, cost),
      verify: ({ hash: kept, password }) => verify(kept, password),
    },
  },
  plugins: [jwt({
    disableSettingJwtHeader: true,
    jwks: { keyPairConfig: { alg: 'RS256', modulusLength: 2048 } },
  })],
});

if (cluster.isPrimary) await (await getMigrations(auth.options)).runMigrations();
if (Number(PROCESSES) > 1 && cluster.isPrimary) {
  for (let i = 0; i < Number(PROCESSES); i += 1) cluster.fork();
  process.on('SIGTERM', () => process.exit());
} else createServer(toNodeHandler(auth)).listen(Number(PORT), '127.0.0.1');
