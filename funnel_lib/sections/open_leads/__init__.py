"""Which open leads wait for what?"""
