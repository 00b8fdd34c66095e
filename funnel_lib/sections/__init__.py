"""A room a question of the report: counting, sentences, figure."""
