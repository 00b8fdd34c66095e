"""What is wrong with the data, and what can be concluded from it?"""
