// A provider on oidc-provider, by its documentation: kept in SQLite, one application, whoever comes
// to the interaction is logged in and agrees.

import cluster from 'node:cluster';
import { createPrivateKey } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:http';

import Database from 'better-sqlite3';
import Provider from 'oidc-provider';

const { DATA, PORT, PROCESSES } = process.env;
const issuer = `http://127.0.0.1:${PORT}`;
const database = new Database(`${DATA}/provider.db`);
database.pragma('journal_mode = WAL');
database.pragma('synchronous = NORMAL');
database.pragma('busy_timeout = 5000');
database.exec(`CREATE TABLE IF NOT EXISTS kept (
  model TEXT, id TEXT, payload TEXT, grant_id TEXT, uid TEXT, expires INTEGER,
  PRIMARY KEY (model, id)) WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS by_grant ON kept (grant_id);
  CREATE INDEX IF NOT EXISTS by_uid ON kept (model, uid);`);

const put = database.prepare('INSERT OR REPLACE INTO kept VALUES (?, ?, ?, ?, ?, ?)');
const get = database.prepare('SELECT payload FROM kept WHERE model = ? AND id = ? AND expires > ?');
const byUid = database.prepare('SELECT payload FROM kept WHERE model = ? AND uid = ?');
const remove = database.prepare('DELETE FROM kept WHERE model = ? AND id = ?');
const revoke = database.prepare('DELETE FROM kept WHERE grant_id = ?');
const spend = database.prepare(
  "UPDATE kept SET payload = json_set(payload, '$.consumed', ?) WHERE model = ? AND id = ?");
const now = () => Math.floor(Date.now() / 1000);
const read = (row) => row && JSON.parse(row.payload);

class Kept {
  constructor(model) { this.model = model; }

  async upsert(id, payload, expiresIn) {
    const expires = expiresIn ? now() + expiresIn : Number.MAX_SAFE_INTEGER;
    put.run(this.model, id, JSON.stringify(payload), payload.grantId, payload.uid, expires);
  }

  async find(id) { return read(get.get(this.model, id, now())); }

  async findByUid(uid) { return read(byUid.get(this.model, uid)); }

  async findByUserCode() { return undefined; }

  async consume(id) { spend.run(now(), this.model, id); }

  async destroy(id) { remove.run(this.model, id); }

  async revokeByGrantId(grantId) { revoke.run(grantId); }
}

function serve() {
  const key = createPrivateKey(readFileSync(`${DATA}/key.pem`)).export({ format: 'jwk' });
  const provider = new Provider(issuer, {
    adapter: Kept,
    jwks: { keys: [{ ...key, use: 'sig', alg: 'RS256', kid: 'bench' }] },
    cookies: { keys: ['a secret of this provider that is long enough'] },
    clients: [{
      client_id: 'bench',
      client_secret: 'secret-of-the-application',
      redirect_uris: ['https://application.example/back'],
      grant_types: ['authorization_code', 'refresh_token'],
    }],
    findAccount: (_, sub) => ({ accountId: sub, claims: () => ({ sub, name: 'Bench' }) }),
    features: { devInteractions: { enabled: false } },
    rotateRefreshToken: false,
    ttl: { AccessToken: 3600, IdToken: 3600, RefreshToken: 86400, Session: 86400, Grant: 86400,
      Interaction: 600 },
  });
  const answer = provider.callback();
  createServer(async (request, response) => {
    if (request.url === '/healthz') return response.end('ok');
    if (!request.url.startsWith('/interaction/')) return answer(request, response);
    const { params, prompt, session } = await provider.interactionDetails(request, response);
    let result = { login: { accountId: 'bench' } };
    if (prompt.name === 'consent') {
      const grant = new provider.Grant({ accountId: session.accountId, clientId: params.client_id });
      grant.addOIDCScope(params.scope);
      result = { consent: { grantId: await grant.save() } };
    }
    return provider.interactionFinished(request, response, result);
  }).listen(Number(PORT), '127.0.0.1');
}

if (Number(PROCESSES) > 1 && cluster.isPrimary) {
  for (let i = 0; i < Number(PROCESSES); i += 1) cluster.fork();
  process.on('SIGTERM', () => process.exit());
} else serve();
