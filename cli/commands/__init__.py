"""What the command line takes, by group of commands; what a command does lies in cli/, imported when it is asked for."""
