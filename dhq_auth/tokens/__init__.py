"""What we sign and what we draw at random: keys, JWTs, opaque secrets, revocations."""
