"""How soon are clients answered?"""
