"""``vault://MOUNT/PATH``: HashiCorp Vault's key-value engine, version 2, by `hvac`."""

from __future__ import annotations

import asyncio
import importlib
from typing import Any, Final

from pysandbox.gateway.vault.secret import Secret, SecretRef, parse_secret, unavailable

_TIMEOUT_S: Final = 3


class HashicorpVault:
    """``url``: the server's address; ``token``: what it knows us by, which needs read on the paths alone."""

    def __init__(self, url: str, token: str, *, namespace: str | None = None) -> None:
        try:
            hvac = importlib.import_module("hvac")
        except ImportError:
            raise unavailable("vault:// needs hvac: pip install pysandbox[vault]") from None
        # No redirects: a standby's answer could name another host, and the token would follow.
        self._client: Any = hvac.Client(
            url=url, token=token, namespace=namespace, timeout=_TIMEOUT_S, allow_redirects=False)
        self._client.session.trust_env = False

    async def read(self, ref: SecretRef) -> Secret:
        mount, _, path = ref.path.partition("/")
        if not path:
            raise unavailable("a vault:// reference is vault://MOUNT/PATH")
        return parse_secret(await asyncio.to_thread(self._read, mount, path))

    def _read(self, mount: str, path: str) -> object:
        try:
            answer = self._client.secrets.kv.v2.read_secret_version(
                path=path, mount_point=mount, raise_on_deleted_version=True)
            return answer["data"]["data"]
        except Exception as error:  # noqa: BLE001  # hvac's, requests' and whatever a broken answer raises
            # By type alone: messages of these libraries quote addresses and answers.
            raise unavailable(f"Vault did not give the secret ({type(error).__name__})") from None
