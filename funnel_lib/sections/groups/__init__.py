"""How do managers, teams, sources and periods differ?"""
