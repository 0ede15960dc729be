"""The trusted side in the browser: sessions, permissions, envelopes, deadlines' orders, and what the page is told."""
