"""One module per command: it parses, calls one library function, and prints."""
