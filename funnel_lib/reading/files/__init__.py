"""Files of any kind as tables of texts."""
