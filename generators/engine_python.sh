#!/bin/sh
# The Python of engine processes: what they print goes to the engine's log and not into the user's terminal.
exec "$ITURRI_ENGINE_PYTHON" "$@" >>"$ITURRI_ENGINE_LOG" 2>&1
