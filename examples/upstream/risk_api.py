"""A vendor's risk API to put behind the gateway: OAuth2 client credentials, one endpoint, and moods to try it in.

    python examples/upstream/risk_api.py --port 9100

It stands for somebody else's server: nothing of pysandbox is in it.
"""

from __future__ import annotations

import argparse
import asyncio
import base64
import hashlib
import os
import secrets
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from urllib.parse import parse_qs

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response, StreamingResponse
from starlette.routing import Route

TOKEN_LIFE_S = 600
SLOW_S = 30.0
HOSTILE_HEADERS = {
    "Set-Cookie": "upstream=1", "Clear-Site-Data": '"*"', "Link": "<https://evil.example/x>; rel=preload",
    "Access-Control-Allow-Origin": "*", "Report-To": '{"endpoints":[{"url":"https://evil.example"}]}',
}


class RiskApi:
    """The API. ``mood`` names what it does instead of answering, and may be changed at any time; see `MOODS`.

    ``requests`` holds what came in: method, path and query, headers, body.
    """

    def __init__(self, client_id: str, client_secret: str) -> None:
        self.client_id, self.client_secret = client_id, client_secret
        self.mood = "well"
        self.tokens: dict[str, float] = {}  # to the end of each, on the clock of `time.monotonic`
        self.requests: list[tuple[str, str, dict[str, str], bytes]] = []
        self.app = Starlette(routes=[
            Route("/oauth/token", self.token, methods=["POST"]),
            Route("/v1/evaluate", self.evaluate, methods=["POST"]),
            Route("/mood", self.set_mood, methods=["PUT"]),
        ])

    async def token(self, request: Request) -> Response:
        """RFC 6749, section 4.4; the client's credentials by Basic or in the form."""
        form = {name: values[0] for name, values in parse_qs((await self._note(request)).decode()).items()}
        offered = _basic(request) or (form.get("client_id", ""), form.get("client_secret", ""))
        if offered != (self.client_id, self.client_secret):
            return JSONResponse({"error": "invalid_client"}, 401)
        if form.get("grant_type") != "client_credentials":
            return JSONResponse({"error": "unsupported_grant_type"}, 400)
        token = secrets.token_urlsafe(24)
        self.tokens[token] = time.monotonic() + TOKEN_LIFE_S
        return JSONResponse({"access_token": token, "token_type": "Bearer", "expires_in": TOKEN_LIFE_S})

    async def evaluate(self, request: Request) -> Response:
        """``{"customerId"}`` → the vendor's score, and more about the customer than any plugin should see."""
        body = await self._note(request)
        scheme, _, token = request.headers.get("authorization", "").partition(" ")
        if scheme.lower() != "bearer" or self.tokens.get(token, 0) < time.monotonic():
            return JSONResponse({"error": "invalid_token"}, 401, {"WWW-Authenticate": "Bearer"})
        return await MOODS[self.mood](request, body)

    async def set_mood(self, request: Request) -> Response:
        """``{"mood": NAME}``. Whoever reaches this port may: it is an example's."""
        mood = (await request.json()).get("mood")
        if mood not in MOODS:
            return JSONResponse({"error": f"a mood is one of {', '.join(MOODS)}"}, 400)
        self.mood = mood
        return JSONResponse({"mood": mood})

    async def _note(self, request: Request) -> bytes:
        body = await request.body()
        path = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        self.requests.append((request.method, path, dict(request.headers), body))
        return body


async def _well(request: Request, _body: bytes) -> Response:
    customer = (await request.json()).get("customerId", "")
    score = int.from_bytes(hashlib.sha256(str(customer).encode()).digest()[:2]) / 65535
    return JSONResponse({
        "score": round(score, 4), "model": "vendor-7",
        "subject": {"customerId": customer, "socialSecurityNumber": "078-05-1120",
                    "cards": [{"card_number": "4111 1111 1111 1111", "brand": "visa"}]}})


async def _slow(request: Request, body: bytes) -> Response:
    await asyncio.sleep(SLOW_S)
    return await _well(request, body)


async def _broken(_request: Request, _body: bytes) -> Response:
    return JSONResponse({"error": "out of order"}, 503)


async def _huge(_request: Request, _body: bytes) -> Response:
    async def endless() -> AsyncIterator[bytes]:
        while True:
            yield b" " * 65536
            await asyncio.sleep(0)  # that it can be hung up

    return StreamingResponse(endless(), media_type="application/json")


async def _echo(request: Request, body: bytes) -> Response:
    """It gives back what it was sent, the credential in every form it can think of."""
    authorization = request.headers["authorization"]
    token = authorization.partition(" ")[2]
    return JSONResponse(
        {"score": 0.5, "authorization": authorization, "note": f"called with {token}", "body": body.decode(),
         "encoded": base64.b64encode(token.encode()).decode(), "hex": token.encode().hex()},
        headers={"X-Token": token, "ETag": f'"{token}"', **HOSTILE_HEADERS})


async def _redirect(_request: Request, _body: bytes) -> Response:
    return RedirectResponse("http://169.254.169.254/latest/meta-data/", 307)


async def _deep(_request: Request, _body: bytes) -> Response:
    return Response(b"[" * 50_000 + b"]" * 50_000, media_type="application/json")


MOODS: dict[str, Callable[[Request, bytes], Awaitable[Response]]] = {
    "well": _well, "slow": _slow, "broken": _broken, "huge": _huge, "echo": _echo, "redirect": _redirect, "deep": _deep,
}


def _basic(request: Request) -> tuple[str, str] | None:
    scheme, _, coded = request.headers.get("authorization", "").partition(" ")
    if scheme.lower() != "basic":
        return None
    name, _, password = base64.b64decode(coded).decode().partition(":")
    return name, password


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--port", type=int, default=9100)
    port: int = parser.parse_args().port
    secret = os.environ.get("RISK_CLIENT_SECRET") or secrets.token_urlsafe(24)
    api = RiskApi(os.environ.get("RISK_CLIENT_ID", "risk-client"), secret)
    print(f"client id      {api.client_id}\nclient secret  {secret}\nmoods          {', '.join(MOODS)}", flush=True)
    uvicorn.run(api.app, host="127.0.0.1", port=port, log_level="warning")


if __name__ == "__main__":
    main()
