"""All vaults of a deployment as one: each reference is read where its scheme says."""

from __future__ import annotations

from collections.abc import Mapping

from pysandbox.core.errors import Code, SandboxError
from pysandbox.gateway.vault.secret import Secret, SecretRef, Vault, unavailable


class Vaults:
    """``by_scheme``: the vaults that are set up."""

    def __init__(self, by_scheme: Mapping[str, Vault]) -> None:
        self._by_scheme = by_scheme

    async def read(self, ref: SecretRef) -> Secret:
        vault = self._by_scheme.get(ref.scheme)
        if vault is None:
            raise unavailable(f"no vault for {ref.scheme}:// is set up; see `pysandbox serve --help`")
        try:
            return await vault.read(ref)
        except SandboxError as error:
            if error.code != Code.INPUT_INVALID:
                raise
            rules = "; ".join(f"{problem.path}: {problem.rule}" for problem in error.details) or error.message
            raise unavailable(f"what {ref.scheme}:// keeps there is no secret: {rules}") from None
