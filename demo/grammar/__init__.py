"""Conversations in Basque, made by a grammar of our own: every seed gives another one."""
