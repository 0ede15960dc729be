"""The gateway under load, beside a bare aiohttp pass-through and nginx: `make bench-gateway`."""
