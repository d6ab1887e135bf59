"""The `iturri` command, thin: it reads options, calls the rooms below, and shows what they say."""
