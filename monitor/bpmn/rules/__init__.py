"""What the standard asks of a model and real files get wrong: one small function per rule."""
