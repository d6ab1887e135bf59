"""The demo backbone: a small Basque model, the grammar it was trained on, and how it is trained and measured."""
