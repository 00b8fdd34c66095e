"""At which step not taken are leads lost, and was it ever proposed?"""
