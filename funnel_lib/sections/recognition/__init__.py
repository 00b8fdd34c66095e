"""How early can a lead's segment be told?"""
