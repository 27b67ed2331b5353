"""Apps, as a desired state describes them."""

from __future__ import annotations

from reconciler.model.app import App, Auth, ClientCredentials, MutualTls
from reconciler.model.secret import SecretReference

PACKAGE = f"git+https://git.example.com/tools/reconciler@{'a' * 40}"
"""Where their jobs get reconciler from."""


def app(name: str, host: str, auth: Auth | None) -> App:
    given = {"scope": {"everyone": True}, "unmanaged": {"users": "report"}}
    return App.model_validate({"name": name, "tenantUrl": f"https://{host}/scim/v2", "auth": auth, **given})


def several() -> list[App]:
    """A token, a secret that gets one, and a certificate; the first two share a variable."""
    credentials = ClientCredentials(
        token_url="https://login.example.com/token",
        client_id="reconciler",
        client_secret=SecretReference(env="SHARED_SECRET"),
    )
    certificate = MutualTls(certificate="vault.pem", key=SecretReference(env="VAULT_KEY"))
    token = SecretReference(command=("vault", "read", "a b"))
    return [
        app("chat", "chat.example.com", Auth(bearer=SecretReference(env="SHARED_SECRET"))),
        app("wiki", "wiki.example.com:8443", Auth(client_credentials=credentials)),
        app("vault", "vault.example.com", Auth(bearer=token, mutual_tls=certificate)),
    ]
