"""Measures klarify_xl and its peers side by side, each in a process of its own."""
