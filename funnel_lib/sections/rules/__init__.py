"""How far do the counting rules differ?"""
