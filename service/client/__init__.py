"""The client of a server: apart from the server itself, of which it imports nothing."""
