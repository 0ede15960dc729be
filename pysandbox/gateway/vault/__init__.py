"""Where credentials come from: `secret.py` says what one is, the other modules where it is kept."""
