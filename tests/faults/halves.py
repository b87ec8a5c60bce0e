"""Half states: what is in the database without its audit row, or the other way round."""

from sqlalchemy import text

from dhq_auth.db import Database

QUESTIONS = {
    "a username that nobody chose": """
        SELECT id FROM users WHERE username IS NOT NULL AND id NOT IN
        (SELECT user_id FROM audit_events WHERE kind = 'username.chosen')""",
    "a choice without a username": """
        SELECT user_id FROM audit_events WHERE kind = 'username.chosen' AND user_id NOT IN
        (SELECT id FROM users WHERE username IS NOT NULL)""",
    "a username that was chosen twice": """
        SELECT user_id FROM audit_events WHERE kind = 'username.chosen'
        GROUP BY user_id HAVING count(*) > 1""",
    "users whose tokens are not as many as were made": """
        SELECT u.id FROM users u WHERE
        (SELECT count(*) FROM api_tokens t WHERE t.user_id = u.id) <>
        (SELECT count(*) FROM audit_events e WHERE e.user_id = u.id AND e.kind = 'token.made')""",
    "users whose revoked tokens are not as many as were revoked": """
        SELECT u.id FROM users u WHERE
        (SELECT count(*) FROM api_tokens t WHERE t.user_id = u.id AND revoked_at IS NOT NULL) <>
        (SELECT count(*) FROM audit_events e WHERE e.user_id = u.id AND e.kind = 'token.revoked')""",
    "users whose sessions are not as many as began": """
        SELECT u.id FROM users u WHERE
        (SELECT count(*) FROM sessions s WHERE s.user_id = u.id) <>
        (SELECT count(*) FROM audit_events e
            WHERE e.user_id = u.id AND e.kind = 'login.succeeded') -
        (SELECT count(*) FROM audit_events e
            WHERE e.user_id = u.id AND e.kind = 'login.code_replayed')""",
    "a user of no identity": """
        SELECT id FROM users WHERE id NOT IN (SELECT user_id FROM identities)""",
}
"""Each finds nothing, where people come by an issuer and log out nowhere."""


async def half_states(url: str) -> list[str]:
    """Return what is done by half in the database at *url*."""
    database = Database(url, pool=1, timeout=10)
    found = []
    async with database.read() as db:
        for what, question in QUESTIONS.items():
            rows = (await db.execute(text(question))).scalars().all()
            found += [f"{what}: {row}" for row in rows]
        if db.dialect.name == "sqlite":
            checked = (await db.execute(text("PRAGMA integrity_check"))).scalars().all()
            found += [line for line in checked if line != "ok"]
            orphans = (await db.execute(text("PRAGMA foreign_key_check"))).all()
            found += [f"an orphan: {row}" for row in orphans]
    await database.close()
    return found
