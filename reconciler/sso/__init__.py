"""How people sign in: what SAML metadata and OpenID Connect discovery say, judged. Needs the extra `sso`.

All but `discovery.fetched` is pure, given bytes.
"""
