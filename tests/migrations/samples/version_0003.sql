BEGIN TRANSACTION;
CREATE TABLE alembic_version (
	version_num VARCHAR(32) NOT NULL, 
	CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
);
INSERT INTO "alembic_version" VALUES('0003');
CREATE TABLE api_tokens (
	id VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	user_id VARCHAR(128) NOT NULL, 
	developer_of VARCHAR(128), 
	title TEXT NOT NULL, 
	hint VARCHAR(16) NOT NULL, 
	scopes JSON, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	used_at DATETIME, 
	revoked_at DATETIME, 
	CONSTRAINT pk_api_tokens PRIMARY KEY (id), 
	CONSTRAINT uq_api_tokens_digest UNIQUE (digest), 
	CONSTRAINT uq_api_tokens_developer_of UNIQUE (developer_of), 
	CONSTRAINT fk_api_tokens_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "api_tokens" VALUES('373cb5842163c187d6a58c9940df0a85','3e35ba6e4bce77a68c39da2f5fc4c423f503944b323a5af27fead97d1e85535f','a9c35045a5f71a4bf76c3f219fcd068d',NULL,'kept','wfRQ',NULL,'2026-11-22 10:49:54.812518',NULL,NULL,NULL);
INSERT INTO "api_tokens" VALUES('1e0485b05ce45bb783446e9a2353980a','923657c072fb5f799af651263bdaab7934636ad78ce88bf34ea8040676af3f61','a9c35045a5f71a4bf76c3f219fcd068d',NULL,'revoked','FevI',NULL,'2026-11-22 10:49:54.820384',NULL,NULL,'2026-11-22 10:49:54.825598');
CREATE TABLE audit_events (
	id INTEGER NOT NULL, 
	at DATETIME NOT NULL, 
	kind VARCHAR(64) NOT NULL, 
	user_id VARCHAR(128), 
	address VARCHAR(64), 
	request_id VARCHAR(64), 
	detail JSON NOT NULL, 
	CONSTRAINT pk_audit_events PRIMARY KEY (id)
);
INSERT INTO "audit_events" VALUES(1,'2026-11-22 10:49:54.309511','user.created','3d12a241e1a52f1cdd1f62821422807f','127.0.0.1','f25528dee8a85a40','{"provider": "password"}');
INSERT INTO "audit_events" VALUES(2,'2026-11-22 10:49:54.514715','user.created','a9c35045a5f71a4bf76c3f219fcd068d','127.0.0.1','e6541b56af673d3d','{"provider": "password"}');
INSERT INTO "audit_events" VALUES(3,'2026-11-22 10:49:54.801626','login.succeeded','a9c35045a5f71a4bf76c3f219fcd068d','127.0.0.1','45eaca4e4708799a','{"provider": "password", "session_id": "a5a9eed5fb9684c7e5864828b5b600d0"}');
INSERT INTO "audit_events" VALUES(4,'2026-11-22 10:49:54.812518','token.made','a9c35045a5f71a4bf76c3f219fcd068d','127.0.0.1','2175715a2aaff5ac','{"token_id": "373cb5842163c187d6a58c9940df0a85", "developer": false}');
INSERT INTO "audit_events" VALUES(5,'2026-11-22 10:49:54.820384','token.made','a9c35045a5f71a4bf76c3f219fcd068d','127.0.0.1','21cd977cd7221d1b','{"token_id": "1e0485b05ce45bb783446e9a2353980a", "developer": false}');
INSERT INTO "audit_events" VALUES(6,'2026-11-22 10:49:54.825598','token.revoked','a9c35045a5f71a4bf76c3f219fcd068d','127.0.0.1','5e5feb59d288cd9c','{"token_id": "1e0485b05ce45bb783446e9a2353980a", "how": "revoked"}');
INSERT INTO "audit_events" VALUES(7,'2026-11-22 10:49:54.836266','login.succeeded','a9c35045a5f71a4bf76c3f219fcd068d','127.0.0.1','4bd4321be32af5f9','{"provider": "password", "session_id": "88afe8b014bb4f0aa605669a2eb26d6b"}');
INSERT INTO "audit_events" VALUES(8,'2026-11-22 10:49:54.845253','logout','a9c35045a5f71a4bf76c3f219fcd068d','127.0.0.1','628ca9470536b722','{"session_id": "88afe8b014bb4f0aa605669a2eb26d6b", "everywhere": false}');
CREATE TABLE identities (
	issuer VARCHAR(255) NOT NULL, 
	subject VARCHAR(255) NOT NULL, 
	user_id VARCHAR(128) NOT NULL, 
	provider VARCHAR(32) NOT NULL, 
	linked_at DATETIME NOT NULL, 
	last_login_at DATETIME NOT NULL, 
	CONSTRAINT pk_identities PRIMARY KEY (issuer, subject), 
	CONSTRAINT fk_identities_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE login_attempts (
	state_digest VARCHAR(64) NOT NULL, 
	browser_digest VARCHAR(64) NOT NULL, 
	provider VARCHAR(32) NOT NULL, 
	next TEXT, 
	code_challenge VARCHAR(128), 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_login_attempts PRIMARY KEY (state_digest)
);
CREATE TABLE login_codes (
	digest VARCHAR(64) NOT NULL, 
	session_id VARCHAR(64) NOT NULL, 
	user_id VARCHAR(128) NOT NULL, 
	code_challenge VARCHAR(128) NOT NULL, 
	expires_at DATETIME NOT NULL, 
	spent_at DATETIME, 
	CONSTRAINT pk_login_codes PRIMARY KEY (digest), 
	CONSTRAINT fk_login_codes_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
CREATE TABLE passwords (
	user_id VARCHAR(128) NOT NULL, 
	hash TEXT NOT NULL, 
	email_key TEXT, 
	changed_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	CONSTRAINT pk_passwords PRIMARY KEY (user_id), 
	CONSTRAINT fk_passwords_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "passwords" VALUES('3d12a241e1a52f1cdd1f62821422807f','$argon2id$v=19$m=65536,t=3,p=1$N0pcsxRKJ4kMQl6WzOe4IQ$qTq1o9GW+xzT+YDRdafyWUizaD9v/kUEtbWg2/3GRso',NULL,'2026-11-22 10:49:54.309511','2026-11-29 10:49:54.309511');
INSERT INTO "passwords" VALUES('a9c35045a5f71a4bf76c3f219fcd068d','$argon2id$v=19$m=65536,t=3,p=1$Bm6ovSxGcBxao2C256Ag/Q$bHD6z9zxThvQ4eafNabXWO5qfll0l+hzXdMoNt/0Glk','ada@example.com','2026-11-22 10:49:54.514715',NULL);
CREATE TABLE policies (
	id VARCHAR(64) NOT NULL, 
	service VARCHAR(128) NOT NULL, 
	table_name VARCHAR(128) NOT NULL, 
	action VARCHAR(16) NOT NULL, 
	expression TEXT NOT NULL, 
	description TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, 
	CONSTRAINT pk_policies PRIMARY KEY (id), 
	CONSTRAINT uq_policies_service_table_name_action UNIQUE (service, table_name, action)
);
INSERT INTO "policies" VALUES('1cfffedc8f71e9b60f8bcf2d5faa98fe','all','auth_users','all','auth_user.is_admin','Administrators manage users.','2026-11-22 10:49:53.878885','2026-11-22 10:49:53.878885');
INSERT INTO "policies" VALUES('cb54ecb259dc0643d0c4b92e7a02c5b2','all','auth_policies','all','auth_user.is_admin','Administrators manage policies.','2026-11-22 10:49:53.878885','2026-11-22 10:49:53.878885');
INSERT INTO "policies" VALUES('8613816a5ab61878c8ac469c7697dd7b','all','all','all','user_id = auth_user.id','Everybody has the rows that name him as their user.','2026-11-22 10:49:53.878885','2026-11-22 10:49:53.878885');
CREATE TABLE rate_limits (
	"key" VARCHAR(64) NOT NULL, 
	hits INTEGER NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_rate_limits PRIMARY KEY ("key")
);
CREATE TABLE revocations (
	kind VARCHAR(8) NOT NULL, 
	value VARCHAR(128) NOT NULL, 
	revoked_at DATETIME NOT NULL, 
	expires_at DATETIME NOT NULL, 
	CONSTRAINT pk_revocations PRIMARY KEY (kind, value)
);
INSERT INTO "revocations" VALUES('jti','c69bbbac9d623d158618fc34b083bd69','2026-11-22 10:49:54.845253','2036-11-19 10:49:54.000000');
CREATE TABLE sessions (
	id VARCHAR(64) NOT NULL, 
	digest VARCHAR(64) NOT NULL, 
	user_id VARCHAR(128) NOT NULL, 
	provider VARCHAR(32) NOT NULL, 
	created_at DATETIME NOT NULL, 
	expires_at DATETIME, 
	keep_until DATETIME, used_at DATETIME, address VARCHAR(64), user_agent VARCHAR(255), 
	CONSTRAINT pk_sessions PRIMARY KEY (id), 
	CONSTRAINT uq_sessions_digest UNIQUE (digest), 
	CONSTRAINT fk_sessions_user_id FOREIGN KEY(user_id) REFERENCES users (id) ON DELETE CASCADE
);
INSERT INTO "sessions" VALUES('a5a9eed5fb9684c7e5864828b5b600d0','3128d838c3fe3cd34d3a084de7c159fd38bc31e9bca17fe363c37c60e8af24fe','a9c35045a5f71a4bf76c3f219fcd068d','password','2026-11-22 10:49:54.801626',NULL,NULL,'2026-11-22 10:49:54.801626','127.0.0.1','Python/3.11 aiohttp/3.14.5');
CREATE TABLE setup (
	id INTEGER NOT NULL, 
	done_at DATETIME NOT NULL, 
	CONSTRAINT pk_setup PRIMARY KEY (id)
);
INSERT INTO "setup" VALUES(1,'2026-11-22 10:49:54.309511');
CREATE TABLE signing_keys (
	kid VARCHAR(64) NOT NULL, 
	purpose VARCHAR(16) NOT NULL, 
	generation INTEGER NOT NULL, 
	private_key TEXT NOT NULL, 
	created_at DATETIME NOT NULL, 
	CONSTRAINT pk_signing_keys PRIMARY KEY (kid), 
	CONSTRAINT uq_signing_keys_purpose_generation UNIQUE (purpose, generation)
);
INSERT INTO "signing_keys" VALUES('RpLgJ8c4biSEdDy-tcbkuXDgXifWrw8Mo4y-pnbD5QI','login',1,'fernet:gAAAAABrAsjSgCLyG-1sKNu1jUD7uoWqpfdfhgTGKuD-VFdMiK9CXP4RTb8Ta0TlApkneCdJ4XVYEKvQibmWLAG4dMJg3v7bXGBAvNUL3HHj-ecU-LGH4Om4ng94fLFiznstezKObqYgDAYSoBgltVQTclGCA36dvpaTCA4OX9FJU6rizCnVjMFelbURXeGr7UnxLkZvXU8cVl3dSsEChogkBuK_8t2g6rixRVp6Iqa0Q8xmrZbjwntgEKchWQ2mc7LHZIjZ0vf6zo78rg4cpP8zepFTgd6VYulBc7Bo168757nskfFvCuaklRgmFpoIo8jN4F1cr9pzmWYxJY_liReifhArHnpBA34swg0l6F2oXbnChI5oP0IBCNCVEm5lRIGA_HQrLxhVRnkI8IafGxK3Sx1ijjqAR61A0IoQZWF4NFUpOcudWIQXemLEAWMUvvCyEUobRDE2tgcgW9vOiuyZFXEiQG2dq_fZAm46pfDKsb2fJ5gtYExhLQJGXzz_9rvLPBddr_rvi9n5Z_Zxm9YiCGpRQhb3HQvP2by4ADltukAsim_Fp_du5K82ZpacwUq7zS6dArtUv0BKOhso0KnSrANdobNtUCFb4hB_EH3InvbYHCC9H-vJDTJisHlNI7FuOIPndsQBW8BqyXVh-t3kqb3rq84CTqnEpQz1Le5N-NjQMVcxSB9se384JYEFnlBSZz_2FOWzTAYCh5eh8HkU-Ztzu5Rh96SExkGS1nje-ODqXXIoD86UPvtDiOyrvyfL3x5b_6-Nnqv9mE7sB__pGSklWT7O5iVbRnE-eKLjv5j4LZiMfJO10q-bVH29pIohe4IhjFdZBm-IcP7UgUNFteF2nlzgu_vHYg-z--95UP29tmj2BCgnhtvjKlZnmEcW4MJMP1-A3WEjBPYlA4HC_vAr-kAi74ILbIy87OExm_XTnO3ypVyV1mnTx3jNdoQLQSRcF-nUvxuwMKj-ND_LV7XPVCKd5R6BTSEXTvkPaXayZbdEHSohQRMVczmBtPuVi6RuEZVcrIdyUSV3-OIlICgSNS6s_H19EA99ykZDR2JgLy0by0O_ZjU0SmH1UM5XvOclui2CoS7tTv3p4YdJrI_1JwNkqAooiZ1SWnNYUsUD78l2Ac-NYNfUCk58rphugwiYco0Hpx8Ob0Ozf6X3dncMMKUjhLDJAgExrdv6kw6p2bGsWtvsg2gi1oIwjh4LN-CeAhWGY8zXkYug97ICudZWKytvjh3AuBdO2THVL-6LOmAOsBVinoufz074K2ZnwJtoT_xDdONpWNohOmOhkP72hv0tSV-u_Q6ul74bTtikSBHjHCAjlG1cz4DemnhtzveCOaapbFTC9Xm4X7H3QRMZr9FCz87HITOCXy-vHw1jL1oG42G4YGncOFGhghkvypRafJ34AMrRZbmIV3Uh-2P-zofwGJpu0J1OqKwNK__hgHx5VyyS6hfEmAMmCeXqy4pBE26R3Bn09ZqLZ2mPdvYKCWfCbWkazFbJ5YlS5Udm37gDN-SsOo4SG5yz4UoKuVHyKEuQI3KqAsJEzUkCcIj4Td3-1E0T-qEj2HSRm3bMyNYv_XyD6ie8-MMtyKRkGdJMxV_x1APB1mnQpAPhUIDL8gz1Gr25AYIDr-5OHnwarqOyKolsGcRF85pkjBNYt-VEGlIUmxCLzUz-6GyDYC0CFQjwJdSoSiAQVnUWAPNtwZV-oFzVbeSFuSeTpLMn6K6oa13DMFXlf76WyDLUQaHIkvSi4GuRprFA-3JT9i5o50T5K9iLMjJwUZ9HWM5Gt93f3vI4XuO0zBkzOnMqFnNgmLkwHwRXaM2qMS-SbWyM-5dVGiUNPEkwvNsxCaF2dciDkSDm7I7eypsfrhZLwVWypgwQXdxTOEUm-O193BKuh38UvXpuiHWk_4Tw3lLncQfgP3DlWQGdM6fi7YCUW1XBzPr7WfYGHug7ARMtswXiopEL29cbH8MiqqTGxP_-mE15h-uVjhTUSIaVdslzF6IuMQR4rR37Av0VFkLfQ8gqltM3GfWuImgpfYobe_ndDqf7Na7oa-cktCccuP5aOQuRu20rvpgWGP89At5ok-zFwXe4wuemqYfW7HGAnIzBNhTpC5kYCSv6gfiQG09___-bLwLd-tSsFY6tO0vCY0Rn8Go3hh8cYBpSdygzH0dTIQfWo4s_MnkW5k1iQfM0RUT3a0QlCmbzxCgzo8oUy9QmiOIZy1Q7zsrpoQQC--wj86RcGw6LKeYSGO1DprUehBdoWDoUtFXUwTXzUOwvRkkNL1QpxuvFIE_fCYriz3fIUJnBzlxWbvJ8XVdIL50_89p6JCBpT1dUCvaVPDRJka9B_Lt9vHQ=','2026-11-22 10:49:54.059140');
INSERT INTO "signing_keys" VALUES('Dew-whappWJcpf1h_Hhwej9CPuE5MVUwI41_hhUMSVk','service',1,'fernet:gAAAAABrAsjS8HWDVqsQH-tatV0SZT6yoo0veCX7sG8SKiZcAyyb9SxfFxyttrSyte3uQHf8QE4cO0_nkME9Bsyr7kOF6m0zlKvegSxqHOckSIZNgMPvihYnXhaFZPRpYuKvREVNMDyjlPYJqry5Z-VezRU1mbRs7dQXY-7-4rsXq2ZLq7lnzwFmyySflFBz0Zsihjcd7FjA6H74uzeVcLnieFoJZZj_vL05EyHd-htZNgdXlgA-xOxXA4SYJhbh5ytE-I3Jz5V5nweWpGN55hMfbcBMjGxr_YvIl24TkQIqmBK94b7RmQtgtpzlxCyHgvkvDaCqehOUoqd5vEiAulIC2XeHVYpAgjJRArwW8xXG209AcPd3hsXSAKd-awrZZBISKKqQ2zTVRtmey90nMat54UoLLbGp8beCoOGkJsZ0M7ISStYzgW4eIU14SdjDqrGcE8Dk1bx6cmDgmq2iyMYx8E_cKzdsr1zkyn-yfgjNshe1ijiQ1yN7Wx8gGyqUjkj3bSMvWOCK3mOgo66ON_92zrI1dWNH8q5W-Ar3jGcg4gMtnewRZ0U0mpiXD6d81_j55KabMA08YXFf3Wt3B3LveCnfu-bVeTFZAd0s0uqbRBMQdQIDBQuMwf2Lh0fzuMxWXh4bfYKH09Rp5WnsO3wgbOPh8jMOaLVwatNR0MP23Lq2fie1VzwOkEV3k991_BIvJ3QJPmewBTlYEhZq4e8FNT0x1zE6a2q7asvSezhQiq-UVbGJEwu7FU5CoDhH_5IM2LEgABVsl2DywNuS5yWe9EhwonsKhUD2G6DmwM-WKpKzxxY0bFTdO9MLd5dIxRVsnedm77tW5aaD2iW6RuQvYUBj36EyDhtgLtH2GuqrkfC7zMifrHFRSDlQvtAhuqBtFonIFApwiCF11GdDnsH20z5Z_zzkBGQxSnFmi0WlOQyZfBKXfBXjsQoT838UVM01dPaSmic5RKBGOyx5I7sXg1M2TlZ7vZlrfqEwWnzPAdn6XEMbpBKgpWAvd7l2BxZeMskLq3EwTIF5XTiP--cMxCmbJLQCMHNLqMVSR-7tW7H_zn7rmhYzX9C6giTOT55wOfzibaL4y2vcGtCncWahpfrlvQRr2iaQagexyLkieIQYB2yQyeiYQpSw6lQoGOAVtOdBqkG5kqvjYl-C8jx4OVxxVMH9XcaOmKkt66V0te4W5zbqCuN38hYzBZfGh-5frSBptPPLdWsTGKm6i3IFygo8Wc-q2SjxhvjeAnyRqHsQ7NL4OCIqgauRXfCTTvSXcs5TrCR8vjJaVwoK2eaX7iaEvuc4YKHUJ5feEIwYvUtjTV_xhlKEsbwcHj_eC6PAN14lupvhIVfhVC3sswiht7HotV-llscUVckK55CS3fsD4FS5cGNY7XZUJX1mghJHiovm_OWnOzuzwask9jRoikpFdoelyj0J9bqY2TtyDQLKFZ2gJc3vcCUlejt4QLhOGsqZPIKhWA1v79dYughJaOfzhYzAY1B1X5LfO3KueClG87xYUH24dB_a5WMAnjp3DZjiop5T9QGE19qrB016irWrYQBMcBNviyaFtpAxmfRbpU7SPpolSaxQxdaZrgMz4wKNi71ZP6OOphdsWbLvZtF5zUiRg-44ETNvd59em32VJPJTzNpkU9KG026aIae5icVgOjq7YqJOWtUbYuaBlBfuv8fyJUlg16Sf2WlzOsYa0_fhm7fLAZm3nEvtb9tAOGAnZ7WV7MGnOU_CvWnq_s-S86tiTw1s1uOZKBewWKv1dG9-9i1QDc2tvqE8UEfWjIUE8KGCIfIGaFxDk34C2x5yVknxPrJ9fjXbVzKCniXJ7Q4Wdd5tXF0dDMItozUKR4nsCQtiXCNON25yorLhQghIYLwrvx2qSCy2j8Cs_294KF7IpvirILriMYzfBB4GP6yUH2dLJ2y2oaTOWFlZHZ0zoGS7KSf-jUeFeHXcR47Kd4MojDqH0W23PE9KKVBReDKf-vijc0ptfJZvdCJMyA3bKCRrzfBX7QmVVF8vz7Ox329FXH-1TXwrCQ8lz-qZnGqA8cFF7JLplHqcY2-AMgmOwciP2S7DwTVTIGb2D1OmIPK4Ze6Z45qQ1eMSS1Z4pvBDnL0xW7LOJrlcGo878oW8o9voba9cDzzV_-JWJrRHpsZzZPeZZfcFq3SpnxkhpTB4pZ7VZH6U_U-xQtnxCpPaRPS4UGXEeTpaQQPVnhhwLSVCQGR7ngLBuN-E_XuZtVxb940Z3AXQaVMV88McwAXJVauUAfMJ9m0q0FWY8r1DYssPgiZVnzYZQwDE30FV42-GOkSQXPHTJIKP0iWNo6qJQyZLgpfewoXnly6GK5lmX_qfg50=','2026-11-22 10:49:54.060847');
CREATE TABLE users (
	id VARCHAR(128) NOT NULL, 
	idhash VARCHAR(32) NOT NULL, 
	username TEXT, 
	username_key TEXT, 
	name TEXT, 
	email TEXT, 
	email_verified BOOLEAN NOT NULL, 
	verified_email_key TEXT, 
	avatar_url TEXT, 
	provider_id VARCHAR(400), 
	is_admin BOOLEAN NOT NULL, 
	is_active BOOLEAN NOT NULL, 
	created_at DATETIME NOT NULL, 
	updated_at DATETIME NOT NULL, first_name TEXT, last_name TEXT, 
	CONSTRAINT pk_users PRIMARY KEY (id), 
	CONSTRAINT uq_users_username_key UNIQUE (username_key), 
	CONSTRAINT uq_users_verified_email_key UNIQUE (verified_email_key)
);
INSERT INTO "users" VALUES('3d12a241e1a52f1cdd1f62821422807f','7f6005f2025ef0de7c03e605c4e23eb0','admin','admin',NULL,NULL,0,NULL,NULL,NULL,1,1,'2026-11-22 10:49:54.309511','2026-11-22 10:49:54.309511',NULL,NULL);
INSERT INTO "users" VALUES('a9c35045a5f71a4bf76c3f219fcd068d','b6a95fcbe0a1faa58b872f1acda7aad8','ada','ada',NULL,'ada@example.com',0,NULL,NULL,NULL,0,1,'2026-11-22 10:49:54.514715','2026-11-22 10:49:54.514715',NULL,NULL);
CREATE INDEX ix_users_provider_id ON users (provider_id);
CREATE INDEX ix_identities_user_id ON identities (user_id);
CREATE INDEX ix_sessions_user_id ON sessions (user_id);
CREATE INDEX ix_sessions_keep_until ON sessions (keep_until);
CREATE INDEX ix_revocations_expires_at ON revocations (expires_at);
CREATE INDEX ix_login_attempts_expires_at ON login_attempts (expires_at);
CREATE INDEX ix_login_codes_user_id ON login_codes (user_id);
CREATE INDEX ix_login_codes_expires_at ON login_codes (expires_at);
CREATE INDEX ix_audit_events_at ON audit_events (at);
CREATE INDEX ix_audit_events_user_id ON audit_events (user_id);
CREATE INDEX ix_users_created_at_id ON users (created_at, id);
CREATE INDEX ix_users_is_admin ON users (is_admin);
CREATE INDEX ix_passwords_email_key ON passwords (email_key);
CREATE INDEX ix_api_tokens_user_id ON api_tokens (user_id);
CREATE INDEX ix_api_tokens_expires_at ON api_tokens (expires_at);
CREATE INDEX ix_api_tokens_revoked_at ON api_tokens (revoked_at);
CREATE INDEX ix_rate_limits_expires_at ON rate_limits (expires_at);
COMMIT;
