"""Which paths lead to a purchase: the segments."""
