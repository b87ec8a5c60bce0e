"""From the login to a service token that is checked offline."""

import jwt as pyjwt
import pytest

from tests.fakes.oidc_issuer import OidcIssuer
from tests.fixtures.service import Service


async def test_a_login_ends_with_a_token_that_says_who_it_is(
    service: Service, issuer: OidcIssuer
) -> None:
    token = await service.log_in("acme")
    known = await service.check(token)
    assert known["authenticated"] is True
    assert known["profile"]["email"] == issuer.user["email"]


async def test_a_login_token_is_no_service_token(service: Service) -> None:
    token = await service.log_in("acme")
    key = await (await service.browser.get("/auth/public-key")).text()
    with pytest.raises(pyjwt.InvalidSignatureError):
        pyjwt.decode(token, key, algorithms=["RS256"])
