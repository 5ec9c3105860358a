"""Sampling: from a validated request to a result, in batches and with predictive sampling."""
