"""The whole loop on one machine: sign in, get a token, see what it permits.

`python -m examples.demo` starts three programs: `issuer`, which stands in for Google; `application`,
which lets dhq-auth sign its users in; and dhq-auth itself between them. What an application of your
own needs is in `application` and `auth_client`.
"""
