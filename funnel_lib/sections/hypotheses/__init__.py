"""What to change first, what is it worth, and did it work?"""
