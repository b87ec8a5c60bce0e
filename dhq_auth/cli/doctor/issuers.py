"""Whether each trusted issuer is there, signs as we verify, and has users whom we know."""

from dhq_auth.cli.doctor.finding import Finding, Findings, fault, ok, warning
from dhq_auth.cli.doctor.metadata import described
from dhq_auth.cli.doctor.reason import reason
from dhq_auth.cli.doctor.witness import Witness, clocks
from dhq_auth.clock import utcnow
from dhq_auth.errors import AuthError
from dhq_auth.remote import OpenIdIssuer
from dhq_auth.settings import Settings, TrustedIssuer


async def check_issuer(issuer: TrustedIssuer, settings: Settings) -> Findings:
    """Ask *issuer* for its keys, as its first token would; one with a key alone is asked nothing."""
    subject = f"trusted issuer {issuer.name}"
    if not issuer.local:
        yield _linked(subject, issuer, settings)
    if issuer.url is None:
        yield ok(subject, f"the key in the settings verifies its tokens, by {issuer.algorithm}")
        return
    remote = Witness(settings.limits)
    try:
        yield await _published(subject, issuer, issuer.url, settings, remote)
        if remote.last is not None:
            yield clocks(subject, remote.last, remote.came_at, settings.limits.clock_leeway)
    except AuthError as error:
        yield fault(subject, reason(error), "see that this machine can reach it; try again later")
    finally:
        await remote.close()


async def _published(
    subject: str, issuer: TrustedIssuer, url: str, settings: Settings, remote: Witness
) -> Finding:
    """Return whether it publishes a key for the algorithm that is pinned."""
    metadata = await described(subject, issuer.name, url, _variable(issuer, "URL"), remote)
    if isinstance(metadata, Finding):
        return metadata
    published = OpenIdIssuer(issuer.name, url, remote, settings.limits, utcnow)
    keys = await published.keys_for(issuer.algorithm)
    if not keys:
        return fault(
            subject,
            f"it publishes no key for {issuer.algorithm}",
            f"set {_variable(issuer, 'ALGORITHM')} to the algorithm by which it signs",
        )
    return ok(subject, f"{len(keys)} keys verify its tokens, by {issuer.algorithm}")


def _linked(subject: str, issuer: TrustedIssuer, settings: Settings) -> Finding:
    """Return whether logins make users of whom its tokens can be."""
    local = f"or set {_variable(issuer, 'SUBJECTS')}=local if the claim is an id of ours"
    providers = [each for each in settings.providers if each.issuer == issuer.identity]
    if not providers:
        return warning(
            subject,
            f"nobody can log in at {issuer.identity}, so that none of its subjects is linked",
            f"turn it on as a login provider by OIDC_PROVIDERS, {local}",
        )
    if issuer.claim != "sub":
        return warning(
            subject,
            f"logins link users by the claim sub, but its tokens are read by {issuer.claim}",
            f"set {_variable(issuer, 'CLAIM')}=sub unless both are the same, {local}",
        )
    return ok(subject, f"its subjects are linked by the logins of {providers[0].title}")


def _variable(issuer: TrustedIssuer, name: str) -> str:
    return f"ISSUER_{issuer.name.upper().replace('-', '_')}_{name}"
