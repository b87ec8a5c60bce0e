"""Whom dhq-auth is measured beside: a file for each, a table of all."""

from typing import Final

from tools.bench.peers.better_auth import BetterAuth
from tools.bench.peers.canaille import Canaille
from tools.bench.peers.django_oauth_toolkit import DjangoOAuthToolkit
from tools.bench.peers.fastapi_users import FastapiUsers
from tools.bench.peers.first_dhq_auth import FirstDhqAuth
from tools.bench.peers.glewlwyd import Glewlwyd
from tools.bench.peers.oidc_provider import OidcProvider
from tools.bench.peers.peer import Peer

PEERS: Final[tuple[Peer, ...]] = (
    OidcProvider(),
    BetterAuth(),
    FastapiUsers(),
    DjangoOAuthToolkit(),
    Canaille(),
    Glewlwyd(),
    FirstDhqAuth(),
)
