"""Why do clients not buy?"""
