"""What `/openapi.json` says of the routes of permission tokens."""

AUTHORIZE = {"summary": "What the user may do in a service, signed"}
PUBLIC_KEY = {"summary": "The key by which service tokens are checked, as PEM"}
JWKS = {"summary": "The keys by which service tokens are checked, as a JWK set"}
