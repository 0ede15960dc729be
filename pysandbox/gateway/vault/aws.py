"""``aws-sm://NAME``: AWS Secrets Manager, by `boto3`, whose own settings say region, endpoint and identity."""

from __future__ import annotations

import asyncio
import importlib
import json
from typing import Any, Final

from pysandbox.gateway.vault.secret import Secret, SecretRef, parse_secret, unavailable

_TIMEOUT_S: Final = 3


class AwsVault:
    """A secret's string is the JSON document that every store keeps."""

    def __init__(self, *, endpoint_url: str | None = None, region: str | None = None) -> None:
        try:
            boto3 = importlib.import_module("boto3")
            config = importlib.import_module("botocore.config")
        except ImportError:
            raise unavailable("aws-sm:// needs boto3: pip install pysandbox[aws]") from None
        self._client: Any = boto3.client(
            "secretsmanager", endpoint_url=endpoint_url, region_name=region, config=config.Config(
                connect_timeout=_TIMEOUT_S, read_timeout=_TIMEOUT_S, retries={"total_max_attempts": 2}))

    async def read(self, ref: SecretRef) -> Secret:
        return parse_secret(await asyncio.to_thread(self._read, ref.path))

    def _read(self, name: str) -> object:
        try:
            return json.loads(self._client.get_secret_value(SecretId=name)["SecretString"])
        except Exception as error:  # noqa: BLE001  # botocore makes its exceptions at run time
            raise unavailable(f"Secrets Manager did not give the secret ({type(error).__name__})") from None
