"""The proxy: what a plugin may ask of an upstream (pure policy), and the asking itself."""
