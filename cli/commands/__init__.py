"""What the command line takes, by group of commands. What a command does is imported when it is asked for."""
