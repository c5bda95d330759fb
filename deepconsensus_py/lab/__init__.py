"""The claimed properties of attention systems, each shown at small scale beside its baseline."""
