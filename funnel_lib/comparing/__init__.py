"""Like with like: who decided where, whom one can compare, what a group or a proposal brings."""
