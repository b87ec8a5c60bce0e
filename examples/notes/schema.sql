-- What the owner of the database runs once; the service connects as notes_app, which owns nothing.
CREATE TABLE IF NOT EXISTS notes (
    id varchar(32) PRIMARY KEY,
    user_id varchar(128) NOT NULL,
    title text NOT NULL,
    text text NOT NULL,
    published boolean NOT NULL DEFAULT false
);
CREATE INDEX IF NOT EXISTS ix_notes_user_id ON notes (user_id);

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_roles WHERE rolname = 'notes_app') THEN
        CREATE ROLE notes_app LOGIN NOBYPASSRLS;  -- its password: ALTER ROLE notes_app PASSWORD '…'
    END IF;
END
$$;
GRANT SELECT, INSERT, UPDATE, DELETE ON notes TO notes_app;
