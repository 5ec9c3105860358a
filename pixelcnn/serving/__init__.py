"""Serving: loaded models, and backends that complete the requests of many clients."""
