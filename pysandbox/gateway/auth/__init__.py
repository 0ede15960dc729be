"""Who asks: the platform's tokens, and the gateway sessions that they are exchanged for."""
