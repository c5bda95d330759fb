"""Correctors behind one interface, their configurations, weights and losses."""
