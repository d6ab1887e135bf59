"""The checks of `iturri doctor`, by area. Each returns findings; none changes the machine."""
