"""What Sentry's SDKs send: envelopes, and the bare events of older ones."""
